"""A full search over a store: every tensor against every other, in blocks, resumable after an interruption.

The pairs of a task are kept beside the matches before the task is recorded as done. At the end the matches are made
what was found, and what was missing and what was wrong is counted. All this goes a page of pairs at a time, so that a
step is short however many pairs there are.
"""

from __future__ import annotations

import functools
import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine

from difwatch.clock import Clock
from difwatch.compare import budget
from difwatch.compare.by_tone import Pixels
from difwatch.compare.chunked import ChunkedSearch, Part
from difwatch.compare.distance import limit_of
from difwatch.compare.executor import Executor
from difwatch.compare.held import Held
from difwatch.errors import IncompleteError
from difwatch.model.health import RescanProgress
from difwatch.model.settings import Remembered
from difwatch.rescan.plan import Planned, RescanPlan, RescanResult, planned
from difwatch.store import contents, merging, open_reader, reach, reading, rescans, searched, settings, writing
from difwatch.store.pairs import FIRST, Key

log = logging.getLogger(__name__)

_PAGE = 1000
_FLAT = (-1, -1)  # the task of flat pictures, which are no part of a search of tones
_HITS = 20_000  # kept in one step: a twentieth of a second


@dataclass(frozen=True, slots=True)
class StoredPixels:
    """The tensors and second tones in a store, which is opened in whatever thread or process asks for them."""

    path: Path

    def tensors(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the tensors of some ids as rows (n, d)."""
        with reading(_reader(self.path)) as connection:
            return contents.StorePixels(connection).tensors(ids)

    def insides(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return which of some pictures have a second tone, and these tones as rows (m, px * px)."""
        with reading(_reader(self.path)) as connection:
            return contents.StorePixels(connection).insides(ids)


@dataclass(frozen=True, slots=True)
class _InMemory:
    """Pixels whose tensors are in memory."""

    tensors: Held
    others: StoredPixels

    def insides(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        return self.others.insides(ids)


_reader = functools.lru_cache(maxsize=4)(open_reader)


class RunningRescan:
    """A running full search, step by step.

    Between the steps the store may be written to. While the search is unfinished, every writer must search new
    tensors up to its limit (`difwatch.store.reach.read`).

    Parameters
    ----------
    engine, path
        The writer of the store, and its file.
    executor
        Runs the tasks, ``plan.processes`` of them side by side.

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
            self._algorithm, pixels = _pixels(connection, path, self._planned, plan)
            self._found: deque[Part] = deque()  # not kept yet
            if self._planned.store.measure == "nmse" and _FLAT not in done:
                flat = searched.flat(connection, self._planned.store, self._planned.rescan.error_limit)
                self._found.append(Part(_FLAT, flat, last=True))
        self._resumed = self._done = len(done)
        self._limit = self._planned.rescan.error_limit
        chunks = self._planned.chunks(pixels)
        tasks = [task for task in chunks.tasks() if task not in done]
        at_once = 4 * budget.jobs_at_once(plan.processes, plan.memory) if plan.processes > 1 else 1
        self._search = ChunkedSearch(chunks, tasks, executor, at_once)
        self._merged: Key = FIRST

    @property
    def recipe_id(self) -> int:
        """The recipe whose tensors are searched."""
        return self._planned.store.recipe_id

    @property
    def progress(self) -> RescanProgress:
        """How much of the search is done."""
        tasks = max(self._planned.rescan.tasks, self._done)
        store = self._planned.store
        return RescanProgress(tasks, self._done, self._pairs, self._limit / store.scale, store.measure)

    def is_waiting(self) -> bool:
        """Tell whether `step` would wait for the executor."""
        return not self._found and self._search.submit() and not self._search.is_ready()

    def step(self) -> RescanResult | None:
        """Keep some hits, or once all are kept merge some of them; return the result of the search after the last.

        Raises
        ------
        IncompleteError
            There are more pairs than may be stored; the matches are unchanged.
        """
        if not self._found:
            self._found.extend(_slices(next(self._search, None)))
        if not self._found:
            return self._merge()
        try:
            with writing(self._engine) as connection:
                self._keep(connection, self._found[0])
        except IncompleteError:
            with writing(self._engine) as connection:
                rescans.discard(connection)
            raise
        self._found.popleft()
        return None

    def _keep(self, connection: Connection, part: Part) -> None:
        self._read_limit(connection)
        self._pairs += rescans.put(connection, part.hits[part.hits["error"] <= self._limit])
        if self._pairs > self._plan.most_pairs:
            self._narrow(connection)
        if part.last:
            rescans.put_task(connection, part.task)
            self._done += 1

    def _read_limit(self, connection: Connection) -> None:
        unfinished = rescans.unfinished(connection)
        assert unfinished is not None
        if unfinished.error_limit < self._limit:  # new tensors brought too many pairs
            self._limit, self._pairs = unfinished.error_limit, rescans.count_pairs(connection)

    def _narrow(self, connection: Connection) -> None:
        store, plan = self._planned.store, self._plan
        error = self._limit / store.scale
        if plan.least is None:
            raise IncompleteError(
                f"there are more than {plan.most_pairs} pairs up to an {store.measure.upper()} of {error:g}, and the "
                "matches are left as they were; ask for less, or allow more with --max-pairs"
            )
        least = limit_of(max(plan.least, store.remembered.error), store.scale)
        while self._pairs > plan.most_pairs and self._limit > least:
            middle = rescans.nth_distance(connection, self._limit, self._pairs, plan.most_pairs // 2)
            self._limit = min(self._limit, reach.halved(middle, store.scale, least))
            rescans.narrow(connection, store.recipe_id, self._limit)
            self._pairs = rescans.count_pairs(connection)
        if self._limit / store.scale < error:
            log.warning(
                "full search: more than %d pairs up to an %s of %g (max_pairs), it goes on up to %g",
                plan.most_pairs,
                store.measure.upper(),
                error,
                self._limit / store.scale,
            )

    def _merge(self) -> RescanResult | None:
        store = self._planned.store
        with writing(self._engine) as connection:
            known = settings.get_remembered(connection, store.recipe_id, store.measure) or store.remembered
            merged = merging.merge_page(
                connection, self._merged, limit_of(known.error, store.scale), store.measure == "nmse"
            )
            if merged is None:
                return self._finish(connection, known)
        self._merged = merged
        return None

    def _finish(self, connection: Connection, known: Remembered) -> RescanResult:
        self._read_limit(connection)
        difference = rescans.finish(connection, self._pairs, self._clock.now().isoformat())
        remembered = self._raised(known)
        settings.put_remembered(connection, self._planned.store, remembered)
        return RescanResult(
            images=self._planned.images,
            measure=self._planned.store.measure,
            error=remembered.error,
            remembered=known.error,
            algorithm=self._algorithm,
            tasks=self._planned.rescan.tasks,
            resumed=self._resumed,
            pairs=difference.pairs,
            missing=difference.missing,
            wrong=difference.wrong,
        )

    def _raised(self, known: Remembered) -> Remembered:
        """Return how far pairs are remembered after this search."""
        scale, asked = self._planned.store.scale, self._planned.rescan.asked
        if self._limit >= limit_of(asked, scale):
            error = max(asked, known.error)
            return Remembered(error, max(error, known.wanted), known.most if error < known.wanted else None)
        error = max(known.error, self._limit / scale)
        return Remembered(error, max(asked, known.wanted), self._plan.most_pairs)


def _slices(part: Part | None) -> Iterator[Part]:
    """Cut a part into parts of few hits; an empty part is one."""
    if part is None:
        return
    for start in range(0, max(1, len(part.hits)), _HITS):
        is_last = part.last and start + _HITS >= len(part.hits)
        yield Part(part.task, part.hits[start : start + _HITS], is_last)


def _pixels(connection: Connection, path: Path, work: Planned, plan: RescanPlan) -> tuple[str, Pixels]:
    """Return the algorithm, and the source of what it compares."""
    algorithm: str = plan.algorithm
    if algorithm == "auto":
        algorithm = budget.algorithm(work.images, work.store.values, plan.memory)
    stored = StoredPixels(path)
    if algorithm == "chunked" or not work.images:
        return algorithm, stored
    ids, _ = contents.sketches(connection, work.store.recipe_id, work.rescan.last_tensor)
    tensors = np.empty((len(ids), work.store.values), np.uint8)
    for start in range(0, len(ids), _PAGE):
        tensors[start : start + _PAGE] = contents.StorePixels(connection).tensors(ids[start : start + _PAGE])
    return algorithm, _InMemory(Held(ids, tensors), stored)


def rescan(running: RunningRescan, progress: Callable[[RescanProgress], None]) -> RescanResult:
    """Run a full search to its end, waiting for each step; call ``progress`` after each step."""
    while (result := running.step()) is None:
        progress(running.progress)
    return result
