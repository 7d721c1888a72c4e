"""Bringing the store in line with the configuration: the recipe, the folders, and how far pairs are remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from difwatch.compare.budget import MOST_PAIRS
from difwatch.compare.distance import mse_limit
from difwatch.compare.index import Index
from difwatch.model.settings import Folder, Recipe, Remembered, Settings, StoreSettings
from difwatch.store import contents, folders, reach, settings, writing
from difwatch.store.reach import Reach


@dataclass(frozen=True, slots=True)
class Prepared:
    """A store that is ready.

    Attributes
    ----------
    folder_ids
        The ids of the folders, by path.
    store
        The settings in force from now on.
    index
        The sketches of all tensors of the recipe.
    reach
        How far pairs are kept.
    """

    folder_ids: Mapping[bytes, int]
    store: StoreSettings
    index: Index
    reach: Reach


def prepare(
    engine: Engine,
    watched: Sequence[Folder],
    chosen: Settings,
    recipe: Recipe,
    remembered: float,
    most_pairs: int = MOST_PAIRS,
) -> Prepared:
    """Bring the store in line with what is configured, in one short transaction.

    Nothing is searched here: if pairs are to be remembered farther, that is only recorded, and a full search raises
    the reach later (`difwatch.service.background`).

    Parameters
    ----------
    watched
        The folders, by their real paths.
    chosen
        What decides which pairs count as matches.
    remembered
        The MSE up to which pairs are to be remembered.
    most_pairs
        The most pairs to store; matches are stored even beyond that.
    """
    with writing(engine) as connection:
        recipe_id = contents.recipe_id(connection, recipe)
        folder_ids = folders.activate(connection, watched)
        ids, rows = contents.all_sketches(connection, recipe_id)
        needed = max([chosen.threshold, *_own(watched)])
        previous = settings.get_remembered(connection, recipe_id) if len(ids) else None
        in_force = Remembered(remembered, remembered)  # holds as long as there is nothing to search
        if previous is not None:
            in_force = _remembered(previous, remembered, needed, most_pairs)
        store = StoreSettings(recipe_id, recipe.name, recipe.px, in_force)
        settings.put_matching(connection, chosen)
        settings.put_in_force(connection, store)
        keeps = reach.read(connection, store, mse_limit(needed, recipe.values), most_pairs)
    return Prepared(folder_ids, store, Index(ids, rows), keeps)


def least_similarity(connection: Connection) -> float:
    """Return the MSE up to which pairs are needed: the largest that counts as a match somewhere."""
    configured = settings.get_matching(connection).threshold
    return max([configured, *_own(list(folders.in_force(connection).values()))])


def _own(watched: Sequence[Folder]) -> list[float]:
    return [folder.similarity for folder in watched if folder.similarity is not None]


def _remembered(previous: Remembered, wanted: float, needed: float, most: int) -> Remembered:
    """Return how far pairs are remembered if ``wanted`` is configured and matches reach up to ``needed``."""
    if previous.mse >= wanted:
        return Remembered(wanted, wanted)
    # An earlier search gave too many pairs; another would take as long and end the same.
    tried = (
        previous.most is not None and previous.wanted >= wanted and previous.most >= most and previous.mse >= needed
    )
    return Remembered(previous.mse, wanted, previous.most if tried else None)
