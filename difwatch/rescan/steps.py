"""A full search over a store: every tensor against every other, in blocks, going on where one was interrupted.

Each task is written down beside the matches with what it found, in one transaction. The last transaction puts that in
place of the matches, and counts what was missing and what was wrong: until then nothing that is remembered changes.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine

from difwatch.clock import Clock
from difwatch.compare import budget
from difwatch.compare.chunked import ChunkedSearch, Part
from difwatch.compare.distance import mse_limit
from difwatch.compare.executor import Executor
from difwatch.compare.refine import Fetch, Held
from difwatch.errors import IncompleteError
from difwatch.model.health import RescanProgress
from difwatch.model.settings import Remembered
from difwatch.rescan.plan import Planned, RescanPlan, RescanResult, planned
from difwatch.store import contents, open_reader, reach, reading, rescans, settings, writing

log = logging.getLogger(__name__)

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class StoredTensors:
    """Fetches tensors from a store that it opens by itself, in whatever thread or process it is called."""

    path: Path

    def __call__(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the tensors of some ids as rows (n, d)."""
        with reading(_reader(self.path)) as connection:
            return contents.tensors(connection, ids)


_reader = functools.lru_cache(maxsize=4)(open_reader)


class RunningRescan:
    """A full search that goes on. What a task found is kept before the word that it is done.

    Between the steps the store may be written to. As long as the search is unfinished, what is new must be searched
    as far as it goes (`difwatch.store.reach.read`), whoever writes.

    Parameters
    ----------
    engine, path
        The writer of the store, and its file.
    plan
        What is asked for.
    executor
        Does the work, ``plan.processes`` tasks side by side.
    clock
        Tells when it began and ended.

    Raises
    ------
    UsageError
        There is nothing to search.
    """

    def __init__(self, engine: Engine, path: Path, plan: RescanPlan, executor: Executor, clock: Clock) -> None:
        self._engine = engine
        self._plan = plan
        self._clock = clock
        with writing(engine) as connection:
            self._planned = planned(connection, plan, clock.now())
            done = rescans.done_tasks(connection)
            self._pairs = rescans.count_pairs(connection)
            self._algorithm, fetch = _tensors(connection, path, self._planned, plan)
        self._resumed = self._done = len(done)
        self._limit = self._planned.rescan.sse_limit
        chunks = self._planned.chunks
        tasks = [task for task in chunks.tasks() if task not in done]
        at_once = 4 * budget.jobs_at_once(plan.processes, plan.memory) if plan.processes > 1 else 1
        self._search = ChunkedSearch(chunks, tasks, fetch, executor, at_once)

    @property
    def recipe_id(self) -> int:
        """The recipe whose tensors are searched."""
        return self._planned.store.recipe_id

    @property
    def progress(self) -> RescanProgress:
        """How far it is."""
        tasks = max(self._planned.rescan.tasks, self._done)
        return RescanProgress(tasks, self._done, self._pairs, self._limit / self._planned.store.values)

    def is_waiting(self) -> bool:
        """Tell whether the executor is still at what comes next, so that `step` would wait for it."""
        return self._search.submit() and not self._search.is_ready()

    def step(self) -> RescanResult | None:
        """Keep what comes next; return what came of it all when that was the last.

        Raises
        ------
        IncompleteError
            There are more pairs than may be stored; the store is as it was.
        """
        part = next(self._search, None)
        if part is None:
            return self._finish()
        try:
            with writing(self._engine) as connection:
                self._keep(connection, part)
        except IncompleteError:
            with writing(self._engine) as connection:
                rescans.discard(connection)
            raise
        return None

    def _keep(self, connection: Connection, part: Part) -> None:
        unfinished = rescans.unfinished(connection)
        assert unfinished is not None
        if unfinished.sse_limit < self._limit:  # what was new gave too many pairs
            self._limit, self._pairs = unfinished.sse_limit, rescans.count_pairs(connection)
        self._pairs += rescans.put(connection, part.hits[part.hits["sse"] <= self._limit])
        if self._pairs > self._plan.most_pairs:
            self._narrow(connection)
        if part.last:
            rescans.put_task(connection, part.task)
            self._done += 1

    def _narrow(self, connection: Connection) -> None:
        store, plan = self._planned.store, self._plan
        mse = self._limit / store.values
        if plan.least is None:
            raise IncompleteError(
                f"there are more than {plan.most_pairs} pairs up to an MSE of {mse:g}, and the matches are left as "
                "they were; ask for a smaller --similarity (or remember_up_to), or allow more with --max-pairs"
            )
        least = mse_limit(max(plan.least, store.remembered.mse), store.values)
        middle = rescans.nth_distance(connection, plan.most_pairs // 2)
        limit = min(self._limit, reach.halved(middle, store.values, least))
        if limit == self._limit:
            return
        rescans.narrow(connection, store.recipe_id, limit)
        self._limit, self._pairs = limit, rescans.count_pairs(connection)
        log.warning(
            "full search: more than %d pairs up to an MSE of %g (max_pairs), it goes on up to %g",
            plan.most_pairs,
            mse,
            limit / store.values,
        )

    def _finish(self) -> RescanResult:
        store = self._planned.store
        with writing(self._engine) as connection:
            unfinished = rescans.unfinished(connection)
            assert unfinished is not None
            self._limit = unfinished.sse_limit
            known = settings.get_remembered(connection, store.recipe_id) or store.remembered
            ended = self._clock.now().isoformat()
            difference = rescans.finish(connection, ended, mse_limit(known.mse, store.values))
            now = self._raised(known)
            settings.put_remembered(connection, store.recipe_id, now)
        return RescanResult(
            images=len(self._planned.ids),
            mse=now.mse,
            remembered=known.mse,
            algorithm=self._algorithm,
            tasks=self._planned.rescan.tasks,
            resumed=self._resumed,
            pairs=difference.pairs,
            missing=difference.missing,
            wrong=difference.wrong,
        )

    def _raised(self, known: Remembered) -> Remembered:
        """Return how far pairs are remembered now."""
        values, asked = self._planned.store.values, self._planned.rescan.asked
        if self._limit >= mse_limit(asked, values):
            mse = max(asked, known.mse)
            return Remembered(mse, max(mse, known.wanted), known.most if mse < known.wanted else None)
        mse = max(known.mse, self._limit / values)
        return Remembered(mse, max(asked, known.wanted), self._plan.most_pairs)


def _tensors(connection: Connection, path: Path, work: Planned, plan: RescanPlan) -> tuple[str, Fetch]:
    """Return the algorithm, and where its tensors come from."""
    algorithm: str = plan.algorithm
    if algorithm == "auto":
        algorithm = budget.algorithm(len(work.ids), work.store.values, plan.memory)
    if algorithm == "chunked" or not len(work.ids):
        return algorithm, StoredTensors(path)
    tensors = np.empty((len(work.ids), work.store.values), np.uint8)
    for start in range(0, len(work.ids), _PAGE):
        tensors[start : start + _PAGE] = contents.tensors(connection, work.ids[start : start + _PAGE])
    return algorithm, Held(work.ids, tensors)


def rescan(running: RunningRescan, progress: Callable[[RescanProgress], None]) -> RescanResult:
    """Do all of a full search, waiting for each step; ``progress`` is told after each."""
    while (result := running.step()) is None:
        progress(running.progress)
    return result
