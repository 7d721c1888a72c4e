"""How far pairs are remembered: up to what was searched, or less where there would be too many pairs.

The limit of an unfinished full search counts as well: meanwhile new tensors are searched up to that limit, so the
full search can leave them out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from difwatch.compare.distance import limit_of
from difwatch.compare.hits import Hits
from difwatch.model.settings import Remembered, StoreSettings
from difwatch.store import matches, rescans, settings
from difwatch.store.pairs import FIRST, Key

log = logging.getLogger(__name__)

_ROWS = 10_000  # looked at beside each batch; a hundredth of a second


@dataclass(frozen=True, slots=True)
class Reach:
    """How far pairs of a recipe are kept, as sums of squared errors of what the store is searched by.

    ``limit`` is in force. ``least`` is the largest error of a match; ``limit`` is never lowered below it. ``pairs``
    is the number of pairs within ``limit``; where it exceeds ``most``, the limit is lowered.

    Pairs beyond the limit count nowhere. They are removed beside the batches that follow, a page at a time, so that
    nobody waits for millions of them; ``swept`` is how far, None if no such pair is left.
    """

    store: StoreSettings
    limit: int
    least: int
    most: int
    pairs: int = 0
    swept: Key | None = FIRST


def read(connection: Connection, store: StoreSettings, least: int, most: int) -> Reach:
    """Return how far pairs are to be kept now."""
    limit = limit_of(store.remembered.error, store.scale)
    running = rescans.unfinished(connection)
    if running is not None and running.recipe_id == store.recipe_id:
        limit = max(limit, running.error_limit)
    pairs = matches.count(connection, store.recipe_id, limit)
    return Reach(store, limit, least, most, pairs)


def put(connection: Connection, hits: Iterable[Hits], reach: Reach) -> Reach:
    """Keep hits, and lower the limit where there are too many pairs; return the reach from now on."""
    for part in hits:
        near = part[part["error"] <= reach.limit]
        reach = replace(reach, pairs=reach.pairs + matches.put(connection, [near]))
        if reach.pairs > reach.most and reach.limit > reach.least:
            reach = _narrowed(connection, reach)
        if reach.swept is not None:
            # More rows than came in, so that the sweep ends however many come.
            rows = _ROWS + 4 * len(near)
            swept = matches.sweep(connection, reach.store.recipe_id, reach.limit, reach.swept, rows)
            reach = replace(reach, swept=swept)
    return reach


def halved(distance: int, scale: int, least: int) -> int:
    """Return the limit that excludes pairs at a distance and beyond, but no less than ``least``.

    The store keeps a mean error, so the limit is computed from one.
    """
    return max(least, limit_of(max(0, distance - 1) / scale, scale))


def _narrowed(connection: Connection, reach: Reach) -> Reach:
    limit = reach.limit
    pairs = matches.count(connection, reach.store.recipe_id, limit)  # some may have been removed
    while pairs > reach.most and limit > reach.least:
        middle = matches.nth_distance(connection, reach.store.recipe_id, limit, pairs, reach.most // 2)
        limit = halved(middle, reach.store.scale, reach.least)
        pairs = matches.count(connection, reach.store.recipe_id, limit)
    if limit == reach.limit:
        return replace(reach, pairs=pairs)
    rescans.narrow(connection, reach.store.recipe_id, limit)
    _lower(connection, reach, limit)
    return replace(reach, limit=limit, pairs=pairs, swept=FIRST)


def _lower(connection: Connection, reach: Reach, limit: int) -> None:
    """Record that fewer pairs are remembered, unless only the unfinished full search reached farther."""
    known = settings.get_remembered(connection, reach.store.recipe_id, reach.store.measure)
    error = limit / reach.store.scale
    if known is None or error >= known.error:
        return
    log.warning(
        "there are more than %d pairs up to an %s of %g (max_pairs): from now on they are remembered up to %g",
        reach.most,
        reach.store.measure.upper(),
        known.error,
        error,
    )
    settings.put_remembered(connection, reach.store, Remembered(error, known.wanted, reach.most))
