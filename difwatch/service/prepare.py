"""Bringing the store in line with the configuration: the recipe, the folders, and how far pairs are remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from difwatch.compare.budget import MOST_PAIRS
from difwatch.compare.distance import limit_of
from difwatch.compare.index import Index
from difwatch.model.settings import Folder, Measure, Recipe, Remembered, Settings, StoreSettings
from difwatch.store import contents, folders, matches, reach, rescans, searched, settings, writing
from difwatch.store.reach import Reach

_NOTHING = -1.0  # the error up to which pairs are known where nothing was searched


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
        The sketches of all pictures of the recipe.
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
        The error up to which pairs are to be remembered: an NMSE if that is configured, otherwise an MSE.
    most_pairs
        The most pairs to store; matches are stored even beyond that.
    """
    measure: Measure = "mse" if chosen.nmse is None else "nmse"
    with writing(engine) as connection:
        recipe_id = contents.recipe_id(connection, recipe)
        folder_ids = folders.activate(connection, watched)
        _forget_other(connection, recipe_id, measure)
        known = settings.get_remembered(connection, recipe_id, measure)
        in_force = Remembered(remembered, remembered)  # holds as long as there is nothing to search
        if contents.last_id(connection, recipe_id):
            known = known or Remembered(_NOTHING, _NOTHING)
            in_force = _remembered(known, remembered, least_error(chosen, watched), most_pairs)
        store = StoreSettings(recipe_id, recipe.name, recipe.px, in_force, measure)
        settings.put_matching(connection, chosen)
        settings.put_in_force(connection, store)
        index = Index(searched.kind(measure), searched.ORIENTATIONS)
        index.add(searched.known(connection, store))
        least = limit_of(least_error(chosen, watched), store.scale)
        keeps = reach.read(connection, store, least, most_pairs)
    return Prepared(folder_ids, store, index, keeps)


def _forget_other(connection: Connection, recipe_id: int, measure: Measure) -> None:
    """Forget what was found, if it was found by another measure."""
    other: Measure = "nmse" if measure == "mse" else "mse"
    if settings.get_remembered(connection, recipe_id, other) is not None:
        rescans.discard(connection)
        matches.forget(connection)
        settings.forget_remembered(connection)


def least_error(chosen: Settings, watched: Sequence[Folder]) -> float:
    """Return the error up to which pairs are needed: the largest that counts as a match somewhere."""
    if chosen.nmse is not None:
        return chosen.nmse
    return max([chosen.threshold, *(folder.similarity for folder in watched if folder.similarity is not None)])


def least_error_of(connection: Connection) -> float:
    """Return the same, as the store was last kept."""
    return least_error(settings.get_matching(connection), list(folders.in_force(connection).values()))


def _remembered(previous: Remembered, wanted: float, needed: float, most: int) -> Remembered:
    """Return how far pairs are remembered if ``wanted`` is configured and matches reach up to ``needed``."""
    if previous.error >= wanted:
        return Remembered(wanted, wanted)
    # An earlier search gave too many pairs; another would take as long and end the same.
    tried = (
        previous.most is not None and previous.wanted >= wanted and previous.most >= most and previous.error >= needed
    )
    return Remembered(previous.error, wanted, previous.most if tried else None)
