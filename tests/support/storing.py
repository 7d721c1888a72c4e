"""A store that is filled with given tensors, as if pictures had become them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from difwatch.compare.sketch import sketches
from difwatch.model.files import FileKey, FileState
from difwatch.model.jobs import Tensorized
from difwatch.model.settings import Folder, Recipe, Settings
from difwatch.service.prepare import prepare
from difwatch.store import contents, files, open_writer, upgrade, writing
from tests.support.clock import NOON

_BATCH = 2000


def new_store(state: Path, px: int, remembered: float) -> tuple[Engine, Recipe]:
    state.mkdir(parents=True, exist_ok=True)
    engine = open_writer(state / "difwatch.db")
    upgrade(engine, state / "difwatch.db")
    recipe = Recipe("exact", px, 1, b"test")
    prepare(engine, [Folder(b"/p")], Settings(), recipe, remembered)
    return engine, recipe


def fill(engine: Engine, recipe: Recipe, tensors: np.ndarray, first: int = 0) -> list[int]:
    """Keep tensors with a picture file each, and search nothing; gives their ids (equal tensors have one)."""
    ids: list[int] = []
    for start in range(0, len(tensors), _BATCH):
        some = tensors[start : start + _BATCH]
        results = [
            _result(first + start + number, one, sketch)
            for number, (one, sketch) in enumerate(zip(some, sketches(some), strict=True))
        ]
        with writing(engine) as connection:
            recipe_id = contents.recipe_id(connection, recipe)
            by_digest, _ = contents.put_tensors(connection, recipe_id, recipe.px, results)
            content_ids = contents.put_contents(connection, recipe_id, results, by_digest)
            rows = [(one.state, content_ids[one.digest], None) for one in results]
            files.put(connection, {one.state.path: 1 for one in results}, rows, NOON)
        ids += [by_digest[one.tensor_digest] for one in results]
    return ids


def _result(number: int, tensor: np.ndarray, sketch: np.ndarray) -> Tensorized:
    data = tensor.tobytes()
    key = FileKey(1000 + number, number, number, 1, number)
    path = b"/p/%08d.jpg" % number
    name = hashlib.blake2b(path).digest()
    return Tensorized(
        FileState(path, key), name, False, 60, 40, data, hashlib.blake2b(data).digest(), sketch.tobytes()
    )
