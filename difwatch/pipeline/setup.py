"""Making the store fit the configuration: the recipe, the folders, and the matches that must be remembered."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine

from difwatch.model import Folder, Recipe, Settings
from difwatch.pipeline.announce import Matching
from difwatch.search.blocks import Radius
from difwatch.search.budget import block_rows
from difwatch.search.chunked import Chunks, chunked_hits, cuts_of
from difwatch.search.distance import mse_limit
from difwatch.search.executor import Inline
from difwatch.search.hits import Hits
from difwatch.search.index import Index
from difwatch.store import contents, folders, matches, settings, writing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A store that is ready: what counts as a match, the ids of the folders, and the index."""

    matching: Matching
    folder_ids: dict[bytes, int]
    index: Index
    limit: int


def prepare(
    engine: Engine, wanted: Sequence[Folder], chosen: Settings, recipe: Recipe, remembered: float
) -> Prepared:
    """Bring the store in line with what is configured, in one transaction.

    Pairs are remembered up to an MSE of ``remembered``. If the store has searched less far, everything is
    searched again.
    """
    limit = mse_limit(remembered, recipe.values)
    with writing(engine) as connection:
        recipe_id = contents.recipe_id(connection, recipe)
        folder_ids = folders.activate(connection, wanted)
        in_force = folders.in_force(connection)
        ids, rows = contents.all_sketches(connection, recipe_id)
        _remember(connection, recipe, recipe_id, (ids, rows), remembered, limit)
        settings.put_matching(connection, chosen)
        settings.put(connection, "recipe", {"id": recipe_id, "name": recipe.name, "px": recipe.px})
    limits = {
        id_: mse_limit(chosen.threshold if one.similarity is None else one.similarity, recipe.values)
        for id_, one in in_force.items()
    }
    matching = Matching(in_force, limits, chosen.rotate, chosen.same_dim, recipe_id, recipe.values)
    return Prepared(matching, folder_ids, Index(ids, rows), limit)


def _remember(
    connection: Connection,
    recipe: Recipe,
    recipe_id: int,
    known: tuple[NDArray[np.int64], NDArray[np.float32]],
    remembered: float,
    limit: int,
) -> None:
    key = f"remembered {recipe_id}"
    before = settings.get(connection, key)
    searched = float(before) if isinstance(before, int | float) else -1.0
    if searched < remembered and len(known[0]):
        log.info(
            "searching %d pictures again, because pairs up to an MSE of %g are wanted", len(known[0]), remembered
        )
        matches.clear(connection, recipe_id)
        matches.put(connection, _all_hits(connection, *known, recipe.px, limit))
    # Also when it is less than before: from now on, pairs are only kept so far.
    settings.put(connection, key, remembered)
    settings.put(connection, "remembered", remembered)


def _all_hits(
    connection: Connection, ids: NDArray[np.int64], rows: NDArray[np.float32], px: int, limit: int
) -> Iterator[Hits]:
    """Every pair of known tensors within the limit, holding only some of them at a time."""
    found = Radius.of(limit, px, rotate=True)
    chunks = Chunks(ids, rows, found, cuts_of(ids, rows, block_rows(len(ids), 1)))
    parts = chunked_hits(
        chunks, chunks.tasks(), lambda some: contents.tensors(connection, some), found, Inline(), at_once=1
    )
    return (part.hits for part in parts)
