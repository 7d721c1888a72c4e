"""The running flow: changes in, rows out. It is given the time, runs in one thread, and never waits."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from difwatch.errors import StoreBusyError, StoreFullError
from difwatch.model.files import Change
from difwatch.model.health import Progress, Queue
from difwatch.pipeline.consequences import Consequences
from difwatch.pipeline.decide import Verdict
from difwatch.pipeline.intake import Intake
from difwatch.pipeline.keep import Keeper
from difwatch.pipeline.outbox import Outbox
from difwatch.pipeline.resting import Resting
from difwatch.pipeline.walks import Walks
from difwatch.tree.roots import Root
from difwatch.workers.pool import Pool

log = logging.getLogger(__name__)

_INTAKE = 128  # paths decided at once
_BACKLOG = 512  # jobs, so that the workers go on while a batch is kept
_BUSY_SECONDS = 0.01


class Pipeline:
    """Carries changes through to the store. Times are seconds of the monotonic clock.

    Parameters
    ----------
    walks, resting, intake, pool, keeper, consequences
        The stages, in the order of the flow.
    """

    def __init__(
        self,
        walks: Walks,
        resting: Resting,
        intake: Intake,
        pool: Pool,
        keeper: Keeper,
        consequences: Consequences,
    ) -> None:
        self._walks = walks
        self._resting = resting
        self._intake = intake
        self._pool = pool
        self._keeper = keeper
        self._consequences = consequences
        self._outbox = Outbox()
        self._done = 0
        self.paused: str | None = None
        """Why nothing can be kept; None while it can."""
        self.is_stuck = False
        """Whether nothing can be kept because another process holds the store, which rarely passes by itself."""

    def note(self, changes: Sequence[Change], now: float) -> None:
        """Note what the system reported."""
        self._resting.note(changes, now)

    def scan(self, root: Root, start: bytes | None = None) -> None:
        """Begin a walk of a root, or of a directory in it."""
        self._walks.begin(root, start)

    def step(self, now: float, wall: float) -> None:
        """Do what can be done now; ``wall`` is the wall clock in seconds since 1970."""
        for root, directory in self._resting.due_trees(now):
            self.scan(root, directory)
        if self._walks and not self._resting.is_crowded:
            self._resting.note_found(self._walks.step(now), now, wall)
        self._consequences.try_again(now)
        self._resting.settle(now)
        self._collect(now)
        if self._has_room():
            self._take_in(now)
            self._collect(now)
        nothing_else = not self._resting.ready and not self._pool.backlog()
        if self._outbox.is_due(now, nothing_else) and (self.paused is None or self._outbox.is_old(now)):
            self._keep(now)

    def troubles(self) -> list[str]:
        """Return what is not kept and what could not be read, in words."""
        paused = [self.paused] if self.paused else []
        blind = [f"{os.fsdecode(path)}: cannot be read" for path in sorted(self._walks.blind)]
        return paused + blind + self._consequences.troubles()

    def progress(self) -> Progress:
        """Return the progress; it knows nothing of full searches."""
        working = self._pool.backlog() + self._outbox.answers
        queue = Queue(self._resting.settling, self._resting.ready, working)
        return Progress(queue, self._done, bool(self._walks))

    def is_idle(self) -> bool:
        """Tell whether nothing is left to do until something happens."""
        return not (
            self._walks or self._resting.settling or self._resting.ready or self._pool.backlog() or self._outbox
        )

    def is_busy(self) -> bool:
        """Tell whether the workers have enough to do for a while, so that answers can wait."""
        return self._pool.backlog() >= _BACKLOG and not (self._walks and not self._resting.is_crowded)

    def next_step(self, now: float) -> float | None:
        """Return in how many seconds `step` must be called at the latest, if no answer or event comes before."""
        if self.is_busy():
            return _BUSY_SECONDS
        if (self._walks and not self._resting.is_crowded) or self._has_room():
            return 0.0
        deadlines = [*self._resting.deadlines(), self._consequences.next_deadline(), self._outbox.deadline()]
        return min((max(0.0, deadline - now) for deadline in deadlines if deadline is not None), default=None)

    def _collect(self, now: float) -> None:
        """Take answers from the workers, and give them more to do."""
        self._outbox.put(self._pool.collect(now))

    def _has_room(self) -> bool:
        """Tell whether files at rest can be taken in."""
        return bool(self._resting.ready) and self._pool.backlog() < _BACKLOG and self.paused is None

    def _take_in(self, now: float) -> None:
        states = self._resting.take(_INTAKE)
        taken = self._intake.take_in(states)
        for path, reason in taken.failures:
            self._consequences.postpone(path, reason, now)
        for job in taken.jobs:
            self._pool.submit(job)
        moving = self._consequences.decided(taken.decisions)
        for decision in taken.decisions:
            path = decision.state.path
            if decision.verdict is Verdict.UNWANTED:
                self._outbox.put(unwanted=[path])
            elif decision.verdict is Verdict.RENUMBERED:
                self._outbox.put(renumbered=[decision.state])
            elif (
                decision.verdict is Verdict.GONE and path not in moving and self._walks.may_go(path, decision.device)
            ):
                self._outbox.put(gone=[path])
        self._walks.forget_beliefs(state.path for state in states)

    def _keep(self, now: float) -> None:
        batch = self._outbox.take(now)
        try:
            result = self._keeper.keep(batch, self._collect)
        except (StoreFullError, StoreBusyError) as error:
            self._outbox.put_back(batch)
            if self.paused is None:
                log.error("%s; until then nothing is taken in", error)
            self.paused, self.is_stuck = str(error), isinstance(error, StoreBusyError)
            return
        self._outbox.kept(result.seconds, len(batch.answers))
        self.paused, self.is_stuck = None, False
        self._done += len(result.read) + len(result.unreadable)
        self._consequences.kept(result, now)
