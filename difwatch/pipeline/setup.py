"""Making the store fit the configuration: the recipe, the folders, and the matches that must be remembered."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from difwatch.model import Folder, Hit, Recipe, Settings
from difwatch.pipeline.announce import Matching
from difwatch.search.distance import mse_limit
from difwatch.search.index import Index, search_new
from difwatch.search.sketch import sketches
from difwatch.store import contents, folders, matches, settings, writing

log = logging.getLogger(__name__)

_BLOCK = 1000


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
        _remember(connection, recipe, recipe_id, ids.tolist(), remembered, limit)
        settings.put_matching(connection, chosen)
        settings.put(connection, "recipe", {"id": recipe_id, "name": recipe.name, "px": recipe.px})
    limits = {
        id_: mse_limit(chosen.threshold if one.similarity is None else one.similarity, recipe.values)
        for id_, one in in_force.items()
    }
    matching = Matching(in_force, limits, chosen.rotate, chosen.same_dim, recipe_id, recipe.values)
    return Prepared(matching, folder_ids, Index(ids, rows), limit)


def _remember(
    connection: Connection, recipe: Recipe, recipe_id: int, ids: list[int], remembered: float, limit: int
) -> None:
    key = f"remembered {recipe_id}"
    before = settings.get(connection, key)
    searched = float(before) if isinstance(before, int | float) else -1.0
    if searched < remembered and ids:
        log.info("searching %d pictures again, because pairs up to an MSE of %g are wanted", len(ids), remembered)
        matches.clear(connection, recipe_id)
        matches.put(connection, _all_hits(connection, ids, recipe.px, limit))
    # Also when it is less than before: from now on, pairs are only kept so far.
    settings.put(connection, key, remembered)
    settings.put(connection, "remembered", remembered)


def _all_hits(connection: Connection, ids: list[int], px: int, limit: int) -> Iterator[Hit]:
    """Every pair of known tensors within the limit, holding only a block of them at a time."""
    index = Index()
    for start in range(0, len(ids), _BLOCK):
        some = ids[start : start + _BLOCK]
        tensors = contents.pixels(connection, some, px)
        yield from search_new(index, some, tensors, lambda near: contents.pixels(connection, near, px), limit)
        index.add(some, sketches(tensors))
