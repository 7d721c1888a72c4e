"""A collection read from the store: all of it, or the part connected with some files by matches."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from difwatch import paths
from difwatch.errors import UsageError
from difwatch.matches.collection import Collection
from difwatch.matches.neighbours import Neighbourhoods
from difwatch.matches.rules import MatchRules
from difwatch.model.settings import AS_CONFIGURED, Asked, Remembered, Settings, StoreSettings
from difwatch.store import folders, ignored, matches, pictures, settings

NOTHING_YET = StoreSettings(0, "exact", 50, Remembered(0.0, 0.0))
"""What a store without pictures works with."""


def read_rules(connection: Connection, asked: Asked = AS_CONFIGURED) -> MatchRules:
    """Return the rules of what counts as a match now.

    Raises
    ------
    UsageError
        Pairs are not remembered up to the threshold.
    """
    store = settings.get_in_force(connection)
    configured = settings.get_matching(connection)
    if store is None:
        return MatchRules.of(configured, {}, NOTHING_YET, asked)
    now = asked.configured
    if now is not None:
        _check_measure(now, configured, store)
    if store.measure == "mse":
        _check_reach(asked, configured, store.remembered)
    return MatchRules.of(configured, folders.in_force(connection), store, asked)


def read_collection(
    connection: Connection,
    asked: Asked = AS_CONFIGURED,
    below: bytes | None = None,
    around: Sequence[bytes] | None = None,
) -> Collection:
    """Return the collection that groups and pairs are made from, without most of the pictures that match no other.

    Parameters
    ----------
    connection
        One view of the store.
    asked
        What goes before what is configured.
    below
        Only pictures below this directory.
    around
        Only the pictures at these paths and all that are connected with them by matches, directly or through
        others; so the groups are the same as among all pictures.

    Raises
    ------
    UsageError
        Pairs are not remembered up to this threshold.
    """
    rules = read_rules(connection, asked)
    what = (connection, rules.folders, rules.limits, rules.recipe_id)
    if around is None:
        read = pictures.images_that_may_match(*what)
    else:
        read = pictures.images(*what, _connected(connection, rules, around))
    images = tuple(
        image
        for image in read
        if below is None or any(paths.is_below(path, below) for path in (image.path, *image.links))
    )
    tensors = None if around is None else sorted({image.tensor for image in images})
    return Collection(rules, images, read_neighbours(connection, rules, tensors), ignored.pairs(connection))


def read_neighbours(
    connection: Connection, rules: MatchRules, tensors: Sequence[int] | None = None
) -> Neighbourhoods:
    """Return the matches of some tensors, or of all."""
    if tensors is None:
        rows = matches.rows_within(connection, rules.recipe_id, rules.criteria)
        return Neighbourhoods.of_rows(rows, rules.settings.rotate, rules.settings.mirror)
    return Neighbourhoods.of(matches.neighbours(connection, tensors, rules.criteria))


def _connected(connection: Connection, rules: MatchRules, around: Sequence[bytes]) -> list[int]:
    """Return the ids of the files whose tensors are reached from some paths by matches."""
    reached: set[int] = set()
    fresh = {tensor for _, tensor in pictures.files_with_tensors(connection, around)}
    while fresh:
        reached |= fresh
        near = matches.neighbours(connection, sorted(fresh), rules.criteria)
        fresh = {other for _, other, _ in near} - reached
    return [id_ for tensor in sorted(reached) for id_ in pictures.files_like(connection, tensor, None, -1)]


def _check_measure(now: Settings, configured: Settings, store: StoreSettings) -> None:
    if now.nmse is None and store.measure == "nmse":
        raise UsageError("nmse = false: the store is searched by the NMSE; start 'difwatch watch' again")
    if now.nmse is not None and store.measure == "mse":
        raise UsageError(f"nmse = {now.nmse:g}: the store is searched by the MSE; start 'difwatch watch' again")
    if now.nmse is not None and now.nmse > max(store.remembered.error, configured.nmse or 0):
        raise UsageError(
            f"nmse = {now.nmse:g}: pairs are remembered up to an NMSE of {store.remembered.error:g}; "
            "start 'difwatch watch' again"
        )


def _check_reach(asked: Asked, configured: Settings, remembered: Remembered) -> None:
    if asked.threshold is not None:
        if asked.threshold > remembered.error:
            raise UsageError(f"--similarity {asked.threshold:g}: {_too_far(asked.threshold, remembered)}")
    elif asked.configured is not None:
        now = asked.configured.threshold
        if now > max(remembered.error, configured.threshold):
            raise UsageError(f"similarity = {now:g}: {_too_far(now, remembered)}")


def _too_far(threshold: float, remembered: Remembered) -> str:
    text = f"pairs are remembered up to an MSE of {remembered.error:g}"
    if remembered.is_behind and threshold <= remembered.wanted:
        return f"{text}; a full search is raising that to {remembered.wanted:g}, 'difwatch status' says how far it is"
    if remembered.most is not None and threshold <= remembered.wanted:
        return (
            f"{text}, because there were more than {remembered.most} up to {remembered.wanted:g}; "
            "set a larger max_pairs in the configuration and start 'difwatch watch' again"
        )
    return f"{text}; set remember_up_to = {threshold:g} in the configuration and start 'difwatch watch' again"
