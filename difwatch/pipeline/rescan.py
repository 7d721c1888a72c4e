"""A full search over the store: every tensor against every other, in blocks, going on where one was interrupted."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine
from threadpoolctl import threadpool_limits

from difwatch.errors import IncompleteError, UsageError
from difwatch.model import Remembered, Rescanned
from difwatch.search import budget
from difwatch.search.blocks import Radius
from difwatch.search.chunked import Chunks, Part, chunked_hits, cuts_of
from difwatch.search.distance import mse_limit
from difwatch.search.executor import Executor
from difwatch.search.refine import Fetch, Held
from difwatch.store import contents, matches, open_reader, reading, rescans, settings, writing
from difwatch.store.rescans import Rescan


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: the algorithm, how much at once (bytes in all), and how many pairs may be stored.

    ``similarity`` is the MSE up to which pairs are wanted, never less than what the store remembers; None for that.
    """

    algorithm: str
    processes: int
    memory: int
    most_pairs: int
    chunksize: int | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a full search is."""

    tasks: int
    done: int
    pairs: int


@dataclass(frozen=True, slots=True)
class StoredTensors:
    """Fetches tensors from a store that it opens by itself, in whatever thread or process it is called."""

    path: Path

    def __call__(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The tensors of ids as rows (n, d)."""
        with reading(_reader(self.path)) as connection:
            return contents.tensors(connection, ids)


_reader = functools.lru_cache(maxsize=4)(open_reader)


@dataclass(frozen=True, slots=True)
class _Target:
    """What a store holds and remembers."""

    recipe_id: int
    px: int
    remembered: float
    mse: float
    limit: int
    last: int


@contextlib.contextmanager
def threads(processes: int, memory: int) -> Iterator[Executor]:
    """An executor of as many threads as fit into the memory.

    Threads are enough: numpy, scipy and SQLite work without the lock of the interpreter, and what is in memory is
    there once. Matrix products keep to the thread that asks for them, or they would get in each other's way.
    """
    pool = ThreadPoolExecutor(budget.jobs_at_once(processes, memory))
    try:
        with threadpool_limits(1):
            yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def rescan(
    engine: Engine,
    path: Path,
    request: Request,
    executor: Executor,
    clock: Callable[[], str],
    progress: Callable[[Progress], None],
) -> Rescanned:
    """Do all of `rescan_steps`; ``progress`` is told after each."""
    steps = rescan_steps(engine, path, request, executor, clock)
    while True:
        try:
            progress(next(steps))
        except StopIteration as end:
            result: Rescanned = end.value
            return result


def rescan_steps(
    engine: Engine, path: Path, request: Request, executor: Executor, clock: Callable[[], str]
) -> Generator[Progress, None, Rescanned]:
    """Search everything, step by step, and let the matches in the store be what was found.

    A task (two blocks) and what it found are kept in one transaction, so that a search that was interrupted goes
    on with its other tasks when it is asked for again. Between the steps, the store may be written to.

    Parameters
    ----------
    engine, path
        The writer of the store, and its file.
    request
        What is asked for.
    executor
        Does the work, ``request.processes`` tasks side by side.
    clock
        Gives the time as ISO 8601.

    Yields
    ------
    Progress
        After each task.

    Returns
    -------
    Rescanned

    Raises
    ------
    UsageError
        There is nothing to search.
    IncompleteError
        There are more pairs than may be stored; the store is as it was.
    """
    with writing(engine) as connection:
        target = _target(connection, request)
        plan, ids, rows = _plan(connection, target, request, clock())
        done = rescans.done_tasks(connection)
        algorithm = request.algorithm
        if algorithm == "auto":
            algorithm = budget.algorithm(len(ids), 3 * target.px**2, request.memory)
        fetch: Fetch = StoredTensors(path)
        if algorithm == "classic" and len(ids):
            fetch = Held(ids, _everything(connection, ids, target.px))
    radius = Radius.of(target.limit, target.px, rotate=True)
    chunks = Chunks(ids, rows, radius, plan.cuts)
    tasks = [task for task in chunks.tasks() if task not in done]
    at_once = 4 * budget.jobs_at_once(request.processes, request.memory)
    parts = chunked_hits(chunks, tasks, fetch, radius, executor, at_once)
    try:
        yield from _keep(engine, parts, target, Progress(plan.tasks, len(done), 0), request)
    except IncompleteError:
        with writing(engine) as connection:
            rescans.discard(connection)
        raise
    with writing(engine) as connection:
        difference = rescans.finish(connection, clock())
        _remember(connection, target)
    return Rescanned(
        images=len(ids),
        mse=target.mse,
        remembered=target.remembered,
        algorithm=algorithm,
        tasks=plan.tasks,
        resumed=len(done),
        pairs=difference.pairs,
        missing=difference.missing,
        wrong=difference.wrong,
    )


def _target(connection: Connection, request: Request) -> _Target:
    now = settings.get_in_force(connection)
    last = contents.last_id(connection, now.recipe_id) if now else 0
    if now is None or not last:
        raise UsageError("there is nothing to search: no picture is known yet; run 'difwatch watch FOLDER' first")
    mse = max(now.remembered.mse, request.similarity or 0.0)
    return _Target(now.recipe_id, now.px, now.remembered.mse, mse, mse_limit(mse, now.values), last)


def _plan(
    connection: Connection, target: _Target, request: Request, now: str
) -> tuple[Rescan, NDArray[np.int64], NDArray[np.float32]]:
    """The unfinished full search if it is the one that is asked for, or else a new one; and what it searches."""
    before = rescans.unfinished(connection)
    if before is not None and _serves(before, target, request):
        return before, *contents.all_sketches(connection, target.recipe_id, before.last_tensor)
    ids, rows = contents.all_sketches(connection, target.recipe_id)
    block = budget.block_rows(len(ids), request.processes, request.chunksize)
    cuts = cuts_of(ids, rows, block)
    radius = Radius.of(target.limit, target.px, rotate=True)
    tasks = sum(1 for _ in Chunks(ids, rows, radius, cuts).tasks())
    asked = request.chunksize or 0
    new = Rescan(target.recipe_id, target.limit, asked, target.last, tuple(cuts), tasks, now)
    rescans.begin(connection, new)
    return new, ids, rows


def _serves(before: Rescan, target: _Target, request: Request) -> bool:
    # What came since then was searched only as far as was remembered.
    complete = target.mse <= target.remembered or before.last_tensor == target.last
    same = (before.recipe_id, before.sse_limit) == (target.recipe_id, target.limit)
    return same and complete and request.chunksize in (None, before.chunksize)


def _everything(connection: Connection, ids: NDArray[np.int64], px: int) -> NDArray[np.uint8]:
    tensors = np.empty((len(ids), 3 * px * px), np.uint8)
    for start in range(0, len(ids), 1000):
        tensors[start : start + 1000] = contents.tensors(connection, ids[start : start + 1000])
    return tensors


def _keep(
    engine: Engine,
    parts: Iterator[Part],
    target: _Target,
    progress: Progress,
    request: Request,
) -> Iterator[Progress]:
    """Keep what the tasks find, each task in one transaction with the word that it is done."""
    with writing(engine) as connection:
        pairs = rescans.count_pairs(connection)
    for first in parts:
        with writing(engine) as connection:
            for part in _task(first, parts):
                pairs += rescans.put(connection, [part.hits])
                if pairs > request.most_pairs:
                    raise IncompleteError(
                        f"there are more than {request.most_pairs} pairs up to an MSE of {target.mse:g}, and the "
                        "matches are left as they were; ask for a smaller --similarity (or remember_up_to), "
                        "or allow more with --max-pairs"
                    )
            rescans.put_tasks(connection, [first.task])
        progress = Progress(progress.tasks, progress.done + 1, pairs)
        yield progress


def _task(first: Part, parts: Iterator[Part]) -> Iterator[Part]:
    """The parts of one task, of which the first was taken already."""
    part = first
    yield part
    while not part.last:
        part = next(parts)
        yield part


def _remember(connection: Connection, target: _Target) -> None:
    now = settings.get_remembered(connection, target.recipe_id)
    if now is not None and now.mse < target.remembered:  # meanwhile fewer were to be remembered, or too many came
        matches.forget_beyond(connection, target.recipe_id, mse_limit(now.mse, 3 * target.px**2))
    elif target.mse > target.remembered:
        settings.put_remembered(connection, target.recipe_id, Remembered(target.mse, target.mse))
