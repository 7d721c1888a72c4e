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
        By path.
    store
        What it works with from now on.
    index
        The sketches of all its tensors.
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

    What is searched does not change: where pairs are to be remembered farther than they are, that is only written
    down, and a full search raises it later (`difwatch.service.background`).

    Parameters
    ----------
    engine
        The writer of the store.
    watched
        The folders, by their real paths.
    chosen
        What decides which pairs count as matches.
    recipe
        How pictures become tensors.
    remembered
        The MSE up to which pairs are to be remembered.
    most_pairs
        How many pairs are stored at the most, where fewer suffice for all matches.
    """
    with writing(engine) as connection:
        recipe_id = contents.recipe_id(connection, recipe)
        folder_ids = folders.activate(connection, watched)
        ids, rows = contents.all_sketches(connection, recipe_id)
        needed = max([chosen.threshold, *_own(watched)])
        before = settings.get_remembered(connection, recipe_id) if len(ids) else None
        now = Remembered(remembered, remembered)  # as far as anybody likes, while there is nothing to search
        if before is not None:
            now = _remembered(before, remembered, needed, most_pairs)
        store = StoreSettings(recipe_id, recipe.name, recipe.px, now)
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


def _remembered(before: Remembered, wanted: float, needed: float, most: int) -> Remembered:
    """Return how far pairs are remembered when ``wanted`` is configured, of which ``needed`` are matches."""
    if before.mse >= wanted:
        return Remembered(wanted, wanted)
    # It was tried, and gave too many: trying again would take as long and end the same.
    tried = before.most is not None and before.wanted >= wanted and before.most >= most and before.mse >= needed
    return Remembered(before.mse, wanted, before.most if tried else None)
