"""Reports of health: to the heartbeat file, to systemd, and to a file of metrics."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from difwatch.clock import Clock
from difwatch.control.heartbeat import write_heartbeat
from difwatch.control.lock import Holder
from difwatch.control.notify import Notifier
from difwatch.control.state_dir import StateDir
from difwatch.errors import DifwatchError
from difwatch.model.health import Heartbeat, Progress
from difwatch.report.metrics import text_metrics
from difwatch.report.status import read_status
from difwatch.service.possession import Possession
from difwatch.service.session import Session
from difwatch.store import open_reader, reading
from difwatch.version import __version__
from difwatch.written import replace_file

log = logging.getLogger(__name__)

_UNCHANGED_SECONDS = 30.0  # after which an unchanged heartbeat is written again
_METRICS_SECONDS = 60.0


class Pace:
    """How many files are read a second since the last time when none was on the way."""

    def __init__(self) -> None:
        self._since: tuple[float, int] | None = None

    def __call__(self, progress: Progress, now: float) -> int:
        """Return the pace; ``now`` is in seconds of the monotonic clock."""
        if not progress.queue.total:
            self._since = None
            return 0
        began, done_then = self._since = self._since or (now, progress.done)
        return round((progress.done - done_then) / (now - began)) if now > began else 0


@dataclass(frozen=True, slots=True)
class Listeners:
    """Where health is reported: the state directory, systemd, and a file of metrics."""

    state_dir: StateDir
    notifier: Notifier
    metrics_file: Path | None = None


class Health:
    """Reports the health of the daemon.

    Parameters
    ----------
    possession
        Knows the lock of the state directory, whose heartbeat is written only while it is held.
    """

    def __init__(self, listeners: Listeners, possession: Possession, clock: Clock) -> None:
        self._listeners = listeners
        self._possession = possession
        self._token = possession.token
        self._clock = clock
        self._last = Heartbeat()
        self._pace = Pace()
        self._lost: float | None = None
        self._written_at = self._measured_at = float("-inf")

    def has_news(self, session: Session, troubles: Sequence[str]) -> bool:
        """Tell whether something changed since the last report."""
        return self._heartbeat(session, troubles) != self._last

    def report(self, session: Session, troubles: Sequence[str]) -> None:
        """Report the state where it changed, and at least every 30 s; ``troubles`` are those of no session."""
        heartbeat, now = self._heartbeat(session, troubles), self._clock.monotonic()
        self._notify(session, heartbeat)
        is_due = heartbeat != self._last or now - self._written_at >= _UNCHANGED_SECONDS
        if is_due and self._possession.holds_lock():
            self._last, self._written_at = heartbeat, now
            stamped = replace(heartbeat, at=self._clock.now().isoformat(), beat=self._clock.since_boot())
            write_heartbeat(self._listeners.state_dir, stamped)
        if self._listeners.metrics_file is not None and now - self._measured_at >= _METRICS_SECONDS:
            self._measured_at = now
            self._write_metrics(self._listeners.metrics_file, heartbeat)

    def _notify(self, session: Session, heartbeat: Heartbeat) -> None:
        left = heartbeat.queue.total
        status = f"{left} files on the way" if left else "up to date"
        if heartbeat.reasons:
            status = heartbeat.reasons[0]
        # No ping if no events come through or nothing can be kept: systemd then restarts the daemon.
        alive = session.guards.is_heard() and not session.pipeline.is_stuck
        self._listeners.notifier.send(*(["WATCHDOG=1"] if alive else []), f"STATUS={status}")

    def _write_metrics(self, file: Path, heartbeat: Heartbeat, is_running: bool = True) -> None:
        holder = Holder(os.getpid(), self._token, "watch") if is_running else None
        try:
            with reading(open_reader(self._listeners.state_dir.store)) as connection:
                status = read_status(connection, holder, heartbeat, self._clock.since_boot())
            replace_file(file, text_metrics(status), 0o644)  # the collector is another user
        except (OSError, DifwatchError) as error:
            log.warning("%s: the metrics cannot be written (%s)", file, error)

    def end(self, session: Session) -> None:
        """Leave the final figures, and that nothing runs any more."""
        if self._listeners.metrics_file is not None:
            self._write_metrics(self._listeners.metrics_file, self._heartbeat(session, ()), is_running=False)

    def _heartbeat(self, session: Session, troubles: Sequence[str]) -> Heartbeat:
        progress, losses = session.pipeline.progress(), session.guards.losses()
        if losses != self._last.losses and any(losses.values()):
            self._lost = self._clock.since_boot()
        return Heartbeat(
            pid=os.getpid(),
            token=self._token,
            version=__version__,
            reasons=(*troubles, *session.troubles()),
            notes=tuple(session.mover.notes()),
            folders=tuple(session.guards.health()),
            queue=progress.queue,
            pace=self._pace(progress, self._clock.monotonic()),
            losses=losses,
            lost=self._lost,
        )
