"""What a full search is asked for, what an interrupted search can resume, and the result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from difwatch.compare import budget
from difwatch.compare.blocks import Radius
from difwatch.compare.chunked import Chunks, cuts_of
from difwatch.compare.distance import mse_limit
from difwatch.errors import UsageError
from difwatch.model.settings import Algorithm, StoreSettings
from difwatch.store import contents, rescans, settings
from difwatch.store.rescans import Rescan


@dataclass(frozen=True, slots=True)
class RescanPlan:
    """What is asked for.

    Attributes
    ----------
    algorithm
        ``classic`` holds all tensors in memory, ``chunked`` a few; ``auto`` chooses by their number.
    processes
        Number of tasks side by side.
    memory
        Bytes in all.
    most_pairs
        Number of pairs that may be stored.
    chunksize
        Pictures in a block; None to choose.
    similarity
        The MSE up to which pairs are wanted, at least what the store remembers; None for just that.
    least
        With more than ``most_pairs`` the search lowers its MSE, but not below this one. None: the search fails.
    """

    algorithm: Algorithm
    processes: int
    memory: int
    most_pairs: int
    chunksize: int | None = None
    similarity: float | None = None
    least: float | None = None


@dataclass(frozen=True, slots=True)
class RescanResult:
    """The extent and the result of a full search.

    ``resumed`` counts the tasks that an earlier run had done. ``missing`` counts the pairs that the store lacked,
    ``wrong`` those that it should not have had. Pairs up to an MSE of ``remembered`` were stored before, up to
    ``mse`` now.
    """

    images: int
    mse: float
    remembered: float
    algorithm: str
    tasks: int
    resumed: int
    pairs: int
    missing: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Planned:
    """A search that is recorded in the store, what the store works with, and which tensors are searched."""

    store: StoreSettings
    rescan: Rescan
    chunks: Chunks
    ids: NDArray[np.int64]


def planned(connection: Connection, plan: RescanPlan, moment: datetime) -> Planned:
    """Resume the unfinished full search if it is the one asked for; otherwise begin a new search.

    Raises
    ------
    UsageError
        There is nothing to search.
    """
    store = settings.get_in_force(connection)
    if store is None or not contents.last_id(connection, store.recipe_id):
        raise UsageError("there is nothing to search: no picture is known yet; run 'difwatch watch FOLDER' first")
    asked = max(store.remembered.mse, plan.similarity or 0.0)
    limit = mse_limit(asked, store.values)
    unfinished = rescans.unfinished(connection)
    if unfinished is not None and _serves(unfinished, store, asked, plan):
        ids, rows = contents.all_sketches(connection, store.recipe_id, unfinished.last_tensor)
        radius = Radius.of(unfinished.sse_limit, store.px, rotate=True)
        return Planned(store, unfinished, Chunks(ids, rows, radius, unfinished.cuts), ids)
    ids, rows = contents.all_sketches(connection, store.recipe_id)
    radius = Radius.of(limit, store.px, rotate=True)
    cuts = cuts_of(ids, rows, budget.block_rows(len(ids), plan.processes, plan.chunksize))
    chunks = Chunks(ids, rows, radius, cuts)
    tasks = sum(1 for _ in chunks.tasks())
    last = contents.last_id(connection, store.recipe_id)
    started = moment.isoformat()
    new = Rescan(store.recipe_id, limit, asked, plan.chunksize or 0, last, tuple(cuts), tasks, started)
    rescans.begin(connection, new)
    return Planned(store, new, chunks, ids)


def _serves(unfinished: Rescan, store: StoreSettings, asked: float, plan: RescanPlan) -> bool:
    """Tell whether an interrupted search is the one asked for; its limit may have been lowered since."""
    same = (unfinished.recipe_id, unfinished.asked) == (store.recipe_id, asked)
    as_far = unfinished.sse_limit == mse_limit(asked, store.values) or plan.least is not None
    return same and as_far and plan.chunksize in (None, unfinished.chunksize)
