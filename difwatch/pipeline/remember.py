"""Which pairs are remembered: as far as is configured, or less far where there would be too many."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from difwatch.model import Remembered
from difwatch.search.distance import mse_limit
from difwatch.search.hits import Hits
from difwatch.store import matches, settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far pairs of a recipe are remembered, as sums of squared errors.

    ``limit`` is in force. ``least`` is what counts as a match, and the limit is never made less than that.
    ``pairs`` are kept, and at ``most`` should be.
    """

    recipe_id: int
    values: int
    limit: int
    least: int
    most: int
    pairs: int = 0

    @property
    def mse(self) -> float:
        return self.limit / self.values


def put(connection: Connection, hits: Iterable[Hits], reach: Reach) -> Reach:
    """Keep hits, and forget the farther half where there are too many; gives how far is remembered now."""
    for some in hits:
        near = some[some["sse"] <= reach.limit]
        reach = replace(reach, pairs=reach.pairs + matches.put(connection, [near]))
        if reach.pairs > reach.most and reach.limit > reach.least:
            reach = _narrowed(connection, reach)
    return reach


def _narrowed(connection: Connection, reach: Reach) -> Reach:
    pairs = matches.count(connection)  # some may have gone
    if pairs <= reach.most:
        return replace(reach, pairs=pairs)
    half = matches.nth_distance(connection, reach.recipe_id, reach.most // 2)
    # What is kept is the mean squared error: let the limit be the one that follows from it.
    limit = max(reach.least, mse_limit((half - 1) / reach.values, reach.values))
    matches.forget_beyond(connection, reach.recipe_id, limit)
    narrowed = replace(reach, limit=limit, pairs=matches.count(connection))
    _tell(connection, narrowed, reach.mse)
    return narrowed


def _tell(connection: Connection, reach: Reach, before: float) -> None:
    log.warning(
        "there are more than %d pairs up to an MSE of %g (max_pairs): from now on they are remembered up to %g",
        reach.most,
        before,
        reach.mse,
    )
    known = settings.get_remembered(connection, reach.recipe_id)
    wanted = known.wanted if known else before
    settings.put_remembered(connection, reach.recipe_id, Remembered(reach.mse, wanted, reach.most))
