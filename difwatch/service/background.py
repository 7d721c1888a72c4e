"""A full search between other work: on request, or to remember pairs farther.

``difwatch rescan`` leaves the search to a running daemon, so there is never a second writer. The daemon does a step
at a time, while it has nothing else to do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from difwatch.clock import Clock
from difwatch.compare.executor import Executor, Future
from difwatch.errors import DifwatchError, StoreBusyError, StoreFullError, UsageError
from difwatch.model.health import RescanProgress
from difwatch.model.settings import StoreSettings
from difwatch.pipeline.keep import Keeper
from difwatch.report.text import text_rescan
from difwatch.rescan.plan import RescanPlan, RescanResult
from difwatch.rescan.steps import RunningRescan
from difwatch.service.prepare import least_error_of
from difwatch.service.requests import StartRescan
from difwatch.store import reading, rescans, settings, writing
from difwatch.store.rescans import Rescan
from difwatch.watch.inbox import Inbox

log = logging.getLogger(__name__)

_BLOCK = 2048  # pictures; a task then takes about a second at most, even if every pair must be tried
_MEMORY = 1 << 30  # bytes
_RETRY_SECONDS = 60.0


class WakingExecutor:
    """An executor that wakes the loop when a result is ready."""

    def __init__(self, executor: Executor, inbox: Inbox) -> None:
        self._executor = executor
        self._inbox = inbox

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future:
        """Run a function in the executor; return the future of its result."""
        future = self._executor.submit(function, *arguments)
        future.add_done_callback(lambda _: self._inbox.wake())
        return future


class BackgroundRescan:
    """Runs at most one full search at a time. No method waits: the executor works while the loop turns.

    Parameters
    ----------
    engine, path
        The writer of the store, and the file of the store.
    """

    def __init__(self, engine: Engine, path: Path, executor: Executor, clock: Clock) -> None:
        self._engine = engine
        self._path = path
        self._executor = executor
        self._clock = clock
        self._running: RunningRescan | None = None
        self._raises: float | None = None  # the configured error up to which the search is to remember pairs
        self._keeper: Keeper | None = None
        self._ended: RescanResult | DifwatchError | None = None
        self._most_pairs = 0
        self._again_at: float | None = None  # when a search that the store ended is resumed

    @property
    def progress(self) -> RescanProgress | None:
        """The progress of the search; None while none is running."""
        return None if self._running is None else self._running.progress

    def serve(self, keeper: Keeper, most_pairs: int) -> None:
        """Work beside a keeper from now on; begin or resume the search that the store asks for.

        A search is discarded if it is for another recipe, or does not lead to the error that is configured now.

        Parameters
        ----------
        keeper
            Keeps new pairs up to the error of the search.
        most_pairs
            The most pairs that may be stored.
        """
        self._keeper, self._most_pairs, self._again_at = keeper, most_pairs, None
        with writing(self._engine) as connection:
            store = settings.get_in_force(connection)
            unfinished = rescans.unfinished(connection)
            assert store is not None
            if unfinished is not None and self._is_stale(unfinished, store):
                rescans.discard(connection)
                unfinished = None
        if unfinished is None:  # discarded here, or with all that another measure found
            self._running, self._raises = None, None
        keeper.read_reach()
        if self._running is not None:
            return
        wanted = store.remembered.wanted
        try:
            if unfinished is not None:
                self._raises = wanted if unfinished.asked == wanted else None
                self._begin(StartRescan(most_pairs=most_pairs, error=unfinished.asked))
            elif store.remembered.is_behind:
                self._raises = wanted
                self._begin(StartRescan(most_pairs=most_pairs, chunksize=_BLOCK, error=wanted))
        except UsageError as error:  # all pictures are gone by now
            log.info("full search: %s", error)

    def start(self, request: StartRescan) -> None:
        """Begin a search on request, unless one is running.

        Raises
        ------
        UsageError
            There is nothing to search.
        """
        if self._running is None:
            self._raises = None
            self._begin(replace(request, chunksize=request.chunksize or _BLOCK), may_narrow=False)

    def is_going_on(self) -> bool:
        """Tell whether a search is running."""
        return self._running is not None

    def failure(self) -> DifwatchError | None:
        """Return the error that ended the last search; None if none did."""
        return self._ended if isinstance(self._ended, DifwatchError) else None

    def has_step(self) -> bool:
        """Tell whether a step can be done without waiting for the executor."""
        return self._running is not None and not self._running.is_waiting()

    def step(self) -> None:
        """Do a step, if it needs no waiting."""
        if self._keeper is not None and self._again_at is not None and self._clock.monotonic() >= self._again_at:
            self.serve(self._keeper, self._most_pairs)
        if self._running is None or not self.has_step():
            return
        try:
            result = self._running.step()
        except (StoreBusyError, StoreFullError) as error:
            log.error("full search: %s; it goes on later", error)
            self._end(error)
            self._again_at = self._clock.monotonic() + _RETRY_SECONDS
            return
        except DifwatchError as error:
            log.error("full search: %s", error)
            self._end(error)
            return
        if result is not None:
            log.info("full search: %s", text_rescan(result))
            self._end(result)

    def state(self) -> dict[str, Any]:
        """Return the progress of the search and the result of the last one.

        Raises
        ------
        DifwatchError
            The error that ended the last search.
        """
        if isinstance(self._ended, DifwatchError):
            raise self._ended
        return {
            "going_on": self._running is not None,
            "progress": asdict(self.progress or RescanProgress(0, 0, 0, 0.0)),
            "result": None if self._ended is None else asdict(self._ended),
        }

    def _is_stale(self, unfinished: Rescan, store: StoreSettings) -> bool:
        if unfinished.recipe_id != store.recipe_id:
            return True
        if store.remembered.is_behind and unfinished.asked < store.remembered.wanted:
            return True
        return self._raises is not None and self._raises != store.remembered.wanted

    def _begin(self, request: StartRescan, may_narrow: bool = True) -> None:
        assert self._keeper is not None
        with reading(self._engine) as connection:
            least = least_error_of(connection) if may_narrow else None
        plan = RescanPlan(
            request.algorithm,
            1,
            _MEMORY,
            request.most_pairs,
            request.chunksize,
            request.error,
            least,
            request.measure,
        )
        self._running = RunningRescan(self._engine, self._path, plan, self._executor, self._clock)
        self._ended = None
        self._keeper.read_reach()
        progress = self._running.progress
        log.info("full search: begun, up to an %s of %g", progress.measure.upper(), progress.error)

    def _end(self, ended: RescanResult | DifwatchError) -> None:
        self._running, self._raises, self._ended = None, None, ended
        assert self._keeper is not None
        self._keeper.read_reach()
