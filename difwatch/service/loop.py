"""The loop of the daemon, which runs until the store is up to date or until stopped."""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import wait

from difwatch.config import Config
from difwatch.control.requests import RequestServer
from difwatch.errors import IncompleteError, StoreBusyError, StoreError, StoreFullError
from difwatch.model.health import Progress
from difwatch.service.background import BackgroundRescan
from difwatch.service.health import Health, Listeners
from difwatch.service.housekeeping import Housekeeping
from difwatch.service.reload import ConfigSource
from difwatch.service.session import Resources, make_session

log = logging.getLogger(__name__)

_LOST_SECONDS = 30.0


class Turn(enum.Enum):
    """What a turn left: IDLE, nothing until something happens; BUSY, work in progress; AGAIN, more to do at once."""

    IDLE = "idle"
    BUSY = "busy"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds between reports, and the longest pause between turns."""

    report: float = 1.0
    longest: float = 5.0


class Loop:
    """Runs the session in force, and the work beside it.

    Parameters
    ----------
    listeners
        Where health is reported.
    progress
        Receives the progress at each report.
    """

    def __init__(
        self,
        resources: Resources,
        source: ConfigSource,
        rescan: BackgroundRescan,
        listeners: Listeners,
        progress: Callable[[Progress], None],
        pauses: Pauses | None = None,
    ) -> None:
        self._resources = resources
        self._source = source
        self._rescan = rescan
        self._notifier = listeners.notifier
        self._progress = progress
        self._pauses = pauses or Pauses()
        self._clock = resources.clock
        self._health = Health(listeners, resources.possession, resources.clock)
        self._lost_at: float | None = None  # since when the store or the lock are other files
        self._housekeeping = Housekeeping(resources.state_dir.store)
        self._reported_at = float("-inf")
        self.session = make_session(source.config, resources)
        """What the configuration in force puts to work."""
        rescan.serve(self.session.keeper, source.config.max_pairs)

    def run_once(self, requests: RequestServer) -> None:
        """Bring the store up to date, and return.

        Raises
        ------
        IncompleteError
            A folder could not be read, or the daemon was stopped before.
        """
        self._begin(observe=False)
        while not self._resources.switch.is_stopping:
            if self._is_dispossessed():
                continue
            requests.serve(self._clock.monotonic())
            # Only when idle, so that a confirming walk finds all that was moved.
            turn = self.turn(look_after=self.session.pipeline.is_idle())
            if self.session.pipeline.paused:
                raise IncompleteError(self.session.pipeline.paused)
            if turn is Turn.IDLE and not self._rescan.is_going_on():
                self._catch_up()
                failure = self._rescan.failure()
                if troubles := self.session.troubles() + ([str(failure)] if failure else []):
                    raise IncompleteError("\n".join(troubles))
                return
            self.report()
            is_confirmed_now = self.session.guards.must_confirm() and self.session.pipeline.is_idle()
            self._wait(Turn.AGAIN if is_confirmed_now else turn, requests)
        raise IncompleteError("stopped before the store was up to date; the same command goes on from there")

    def run_until_stopped(self, requests: RequestServer) -> None:
        """Bring the store up to date, then follow changes until stopped."""
        self._begin(observe=True)
        while not self._resources.switch.is_stopping:
            if self._is_dispossessed():
                continue
            self._put_in_force()
            requests.serve(self._clock.monotonic())
            turn = self.turn(look_after=True)
            if turn is not Turn.IDLE:
                self._housekeeping.note_work()
            elif self._housekeeping.is_due(self._clock.monotonic()) and not self._rescan.is_going_on():
                self._catch_up()
                self._housekeeping.copy(self._clock.now().date())
                self._reported_at = float("-inf")
            self.report()
            self._wait(turn, requests)

    def turn(self, look_after: bool) -> Turn:
        """Do what there is to do now; with ``look_after``, check the folders first."""
        session, now = self.session, self._clock.monotonic()
        if look_after:
            for root in session.guards.look_after(now):
                session.pipeline.scan(root)
        session.pipeline.note(self._resources.inbox.take(), now)
        session.pipeline.step(now, self._clock.now().timestamp())
        if not session.pipeline.is_idle():
            return Turn.BUSY
        more_to_move = session.mover.act()
        self._rescan.step()
        if more_to_move or self._rescan.has_step():
            return Turn.AGAIN
        return Turn.BUSY if session.guards.must_confirm() else Turn.IDLE

    def report(self) -> None:
        """Report progress and health, unless the last report is too recent."""
        now = self._clock.monotonic()
        if now - self._reported_at < self._pauses.report:
            return
        self._reported_at = now
        if _leads_elsewhere(self.session.config, [root.path for root in self.session.roots]):
            log.warning("the path of a folder leads elsewhere now")
            self._source.ask_again()
        self._progress(replace(self.session.pipeline.progress(), rescan=self._rescan.progress))
        self._health.report(self.session, self._troubles())

    def end(self) -> None:
        """Leave the final figures."""
        self._health.end(self.session)

    def _is_dispossessed(self) -> bool:
        """Tell whether the store or the lock were deleted or replaced: then nothing is done but to say so.

        Raises
        ------
        StoreError
            They were long enough ago for whoever looks at the status to have seen it.
        """
        trouble, now = self._resources.possession.trouble(), self._clock.monotonic()
        if trouble is None:
            self._lost_at = None
            return False
        if self._lost_at is None:
            self._lost_at = now
            log.error(trouble)
        elif now - self._lost_at >= _LOST_SECONDS:
            raise StoreError(trouble)
        self.report()
        wait([self._resources.inbox.fileno()], timeout=self._pauses.report)
        self._resources.inbox.note_woken()
        return True

    def _troubles(self) -> list[str]:
        """Return what is not as it should be, and is no matter of the session."""
        lost = self._resources.possession.trouble() if self._lost_at is not None else None
        mistakes = [f"the configuration is wrong, and the one in force stays: {self._source.mistake}"]
        return ([lost] if lost else []) + (mistakes if self._source.mistake else [])

    def _begin(self, observe: bool) -> None:
        self.session.arm(observe, self._clock.monotonic())
        self._notifier.send("READY=1", "STATUS=watching")

    def _put_in_force(self) -> None:
        """Put the waiting configuration in force, if there is one; the store stays open."""
        config = self._source.waiting()
        if config is None:
            return
        self._notifier.send("RELOADING=1", f"MONOTONIC_USEC={int(self._clock.monotonic() * 1_000_000)}")
        try:
            self.session = self.session.replaced(config, self._resources)
            self._rescan.serve(self.session.keeper, config.max_pairs)
        except (StoreBusyError, StoreFullError) as error:
            log.error("the configuration is not in force yet, and tried again: %s", error)
            self._notifier.send("READY=1")
            return
        self._source.put_in_force(config)
        self._housekeeping.expect()
        self._notifier.send("READY=1", "STATUS=watching")
        log.info("the configuration is in force", extra={"event": "reloaded", "fields": {}})

    def _catch_up(self) -> None:
        self._housekeeping.purge(self.session.keeper, self._clock.monotonic())
        done = self.session.pipeline.progress().done
        log.info("up to date; files read: %d", done, extra={"event": "up to date", "fields": {"read": done}})

    def _wait(self, turn: Turn, requests: RequestServer) -> None:
        pipeline = self.session.pipeline
        due = pipeline.next_step(self._clock.monotonic())
        pause = self._pauses.longest if due is None else min(due, self._pauses.longest)
        if turn is Turn.AGAIN:
            pause = 0.0
        elif pause > self._pauses.report and (
            self._rescan.is_going_on() or self._health.has_news(self.session, self._troubles())
        ):
            pause = self._pauses.report
        answers = [] if pipeline.is_busy() else self._resources.pool.waitables()
        wait([self._resources.inbox.fileno(), *requests.waitables(), *answers], timeout=pause)
        # Before anything is checked: a request from here on, as in a signal handler, ends the next wait.
        self._resources.inbox.note_woken()


def _leads_elsewhere(config: Config, watched: list[bytes]) -> bool:
    """Tell whether the path of a configured folder leads to another directory than the watched one."""
    return {folder.path for folder in config.folders()} != set(watched)
