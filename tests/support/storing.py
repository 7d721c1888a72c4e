"""A store that is filled with given tensors, as if pictures had become them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from difwatch.compare.hits import BEYOND, HIT, Hits
from difwatch.model.files import FileKey, FileState
from difwatch.model.jobs import Tensorized
from difwatch.model.settings import Folder, Recipe, Settings
from difwatch.service.prepare import prepare
from difwatch.store import contents, files, open_writer, upgrade, writing
from difwatch.workers.appearance import appearance
from tests.support.clock import NOON

_BATCH = 2000


def new_store(state: Path, px: int, remembered: float, chosen: Settings | None = None) -> tuple[Engine, Recipe]:
    state.mkdir(parents=True, exist_ok=True)
    engine = open_writer(state / "difwatch.db")
    upgrade(engine, state / "difwatch.db")
    recipe = Recipe("exact", px, 1, b"test")
    prepare(engine, [Folder(b"/p")], chosen or Settings(), recipe, remembered)
    return engine, recipe


def fill(
    engine: Engine,
    recipe: Recipe,
    tensors: np.ndarray,
    first: int = 0,
    insides: Mapping[int, np.ndarray] | None = None,
) -> list[int]:
    """Keep tensors with a picture file each, and search nothing; gives their ids (equal tensors have one)."""
    ids: list[int] = []
    for start in range(0, len(tensors), _BATCH):
        some = tensors[start : start + _BATCH]
        inner = insides or {}
        results = [_result(first + start + number, one, inner.get(start + number)) for number, one in enumerate(some)]
        with writing(engine) as connection:
            recipe_id = contents.recipe_id(connection, recipe)
            by_digest, _ = contents.put_appearances(connection, recipe_id, results)
            content_ids = contents.put_contents(connection, recipe_id, results, by_digest)
            rows = [(one.state, content_ids[one.digest], None) for one in results]
            files.put(connection, {one.state.path: 1 for one in results}, rows, NOON)
        ids += [by_digest[one.appearance.digest] for one in results]
    return ids


def _result(number: int, tensor: np.ndarray, inside: np.ndarray | None) -> Tensorized:
    key = FileKey(1000 + number, number, number, 1, number)
    path = b"/p/%08d.jpg" % number
    return Tensorized(FileState(path, key), hashlib.blake2b(path).digest(), False, 60, 40, appearance(tensor, inside))


def hit(a: int, b: int, sse: int, rotation: int = 0, rotation_back: int = 0, sse_upright: int | None = None) -> Hits:
    """One pair that was found by its tensors, of which nothing else is known."""
    row = np.zeros(1, HIT)
    for name in HIT.names or ():
        if "rotation" not in name:
            row[name] = BEYOND
    row["a"], row["b"], row["error"], row["sse_turned"] = a, b, sse, sse
    row["sse_rotation"], row["sse_rotation_back"] = rotation, rotation_back
    row["sse_upright"] = BEYOND if sse_upright is None else sse_upright
    return row
