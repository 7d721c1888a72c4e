"""Making the store fit the configuration: the recipe, the folders, and the matches that must be remembered."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine

from difwatch.model import Folder, InForce, Recipe, Remembered, Settings
from difwatch.pipeline.announce import Matching
from difwatch.pipeline.remember import Reach, put
from difwatch.search.blocks import Radius
from difwatch.search.budget import MOST_PAIRS, block_rows
from difwatch.search.chunked import Chunks, chunked_hits, cuts_of
from difwatch.search.distance import mse_limit
from difwatch.search.executor import Inline
from difwatch.search.hits import Hits
from difwatch.search.index import Index
from difwatch.store import contents, folders, matches, settings, writing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A store that is ready: what counts as a match, the ids of the folders, the index, how far is remembered."""

    matching: Matching
    folder_ids: dict[bytes, int]
    index: Index
    reach: Reach


def prepare(
    engine: Engine,
    wanted: Sequence[Folder],
    chosen: Settings,
    recipe: Recipe,
    remembered: float,
    most_pairs: int = MOST_PAIRS,
) -> Prepared:
    """Bring the store in line with what is configured, in one transaction.

    Pairs are remembered up to an MSE of ``remembered``, or less far if there are more than ``most_pairs``. If the
    store has searched less far, everything is searched again.
    """
    with writing(engine) as connection:
        recipe_id = contents.recipe_id(connection, recipe)
        folder_ids = folders.activate(connection, wanted)
        in_force = folders.in_force(connection)
        limits = {
            id_: mse_limit(chosen.threshold if one.similarity is None else one.similarity, recipe.values)
            for id_, one in in_force.items()
        }
        matching = Matching(in_force, limits, chosen, recipe_id, recipe.values)
        ids, rows = contents.all_sketches(connection, recipe_id)
        settings.put_matching(connection, chosen)
        reach = _remember(connection, matching, (ids, rows), recipe, remembered, most_pairs)
    return Prepared(matching, folder_ids, Index(ids, rows), reach)


def _remember(
    connection: Connection,
    matching: Matching,
    known: tuple[NDArray[np.int64], NDArray[np.float32]],
    recipe: Recipe,
    wanted: float,
    most: int,
) -> Reach:
    """Let pairs be remembered as far as is wanted, as far as there are not too many."""
    before = settings.get_remembered(connection, matching.recipe_id)
    least = max(matching.limits.values(), default=0)
    mse = wanted
    if before is not None and before.most is not None and before.wanted >= wanted and before.most >= most:
        # It was tried, and gave too many: trying again would take as long and end the same.
        mse = max(min(wanted, before.mse), least / recipe.values)
    limit = max(least, mse_limit(mse, recipe.values))
    reach = Reach(matching.recipe_id, recipe.values, limit, least, most, matches.count(connection))
    narrowed = before.most if before is not None and mse < wanted else None
    now = Remembered(mse, wanted, narrowed)
    settings.put_in_force(connection, InForce(matching.recipe_id, recipe.name, recipe.px, now))
    if len(known[0]) and (before is None or before.mse < mse):
        log.info("searching %d pictures again, because pairs up to an MSE of %g are wanted", len(known[0]), mse)
        matches.clear(connection, matching.recipe_id)
        return put(connection, _all_hits(connection, *known, recipe.px, limit), replace(reach, pairs=0))
    return reach


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
