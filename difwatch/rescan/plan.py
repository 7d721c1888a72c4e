"""What a full search is asked for, what an interrupted search can resume, and the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from difwatch.compare import budget
from difwatch.compare.by_tone import Pixels
from difwatch.compare.chunked import Chunks, cuts_of
from difwatch.compare.distance import limit_of
from difwatch.compare.sketch import Block
from difwatch.errors import UsageError
from difwatch.model.settings import Algorithm, Measure, StoreSettings
from difwatch.store import contents, rescans, searched, settings
from difwatch.store.rescans import Rescan

_OTHER_MEASURE: dict[Measure, str] = {
    "mse": "--nmse: this store is searched by the MSE, because nmse = false; use --similarity",
    "nmse": "--similarity: this store is searched by the NMSE, and every similarity can be asked for without that; "
    "use --nmse to search farther",
}


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
    error
        The error up to which pairs are wanted, an MSE or an NMSE as the store is searched, at least what it
        remembers; None for just that.
    measure
        What ``error`` is; None for whatever the store is searched by.
    least
        With more than ``most_pairs`` the search lowers its error, but not below this one. None: the search fails.
    """

    algorithm: Algorithm
    processes: int
    memory: int
    most_pairs: int
    chunksize: int | None = None
    error: float | None = None
    least: float | None = None
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class RescanResult:
    """The extent and the result of a full search.

    ``resumed`` counts the tasks that an earlier run had done. ``missing`` counts the pairs that the store lacked,
    ``wrong`` those that it should not have had. Pairs up to an error of ``remembered`` were stored before, up to
    ``error`` now, which is of this ``measure``.
    """

    images: int
    measure: Measure
    error: float
    remembered: float
    algorithm: str
    tasks: int
    resumed: int
    pairs: int
    missing: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Planned:
    """A search that is recorded in the store, what the store works with, and what is searched.

    ``sketches`` are those of ``images`` distinct pictures.
    """

    store: StoreSettings
    rescan: Rescan
    sketches: Block
    images: int

    def chunks(self, pixels: Pixels) -> Chunks:
        """Return the blocks to compare."""
        comparison = searched.comparison(self.store, self.rescan.error_limit, pixels)
        return Chunks(*self.sketches, comparison, self.rescan.cuts)


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
    if plan.error is not None and plan.measure not in (None, store.measure):
        raise UsageError(_OTHER_MEASURE[store.measure])
    asked = max(store.remembered.error, plan.error or 0.0)
    limit = limit_of(asked, store.scale)
    unfinished = rescans.unfinished(connection)
    images = contents.count(connection, store.recipe_id)
    if unfinished is not None and _serves(unfinished, store, asked, plan):
        sketches = searched.known(connection, store, unfinished.last_tensor)
        return Planned(store, unfinished, sketches, images)
    sketches = searched.known(connection, store)
    rows = budget.block_rows(len(sketches.ids), plan.processes, plan.chunksize, store.measure == "nmse")
    cuts = tuple(cuts_of(searched.kind(store.measure), *sketches, rows))
    last = contents.last_id(connection, store.recipe_id)
    new = Rescan(store.recipe_id, limit, asked, plan.chunksize or 0, last, cuts, 0, moment.isoformat())
    work = Planned(store, new, sketches, images)
    tasks = sum(1 for _ in work.chunks(contents.StorePixels(connection)).tasks()) + (store.measure == "nmse")
    rescans.begin(connection, replace(new, tasks=tasks))
    return replace(work, rescan=replace(new, tasks=tasks))


def _serves(unfinished: Rescan, store: StoreSettings, asked: float, plan: RescanPlan) -> bool:
    """Tell whether an interrupted search is the one asked for; its limit may have been lowered since."""
    same = (unfinished.recipe_id, unfinished.asked) == (store.recipe_id, asked)
    as_far = unfinished.error_limit == limit_of(asked, store.scale) or plan.least is not None
    return same and as_far and plan.chunksize in (None, unfinished.chunksize)
