"""How the daemon is, told to those who want to know: `status`, systemd, and a collector of metrics."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from difwatch import __version__, control
from difwatch.errors import DifwatchError
from difwatch.parts import Parts
from difwatch.report.metrics import text_metrics
from difwatch.report.status import read_status
from difwatch.store import open_reader, reading

log = logging.getLogger(__name__)

_UNCHANGED_SECONDS = 30.0  # so often it is told that nothing changed
_METRICS_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told: the state directory, systemd, and a file for metrics."""

    state_dir: Path
    notifier: control.Notifier
    metrics_file: Path | None = None


class Vitals:
    """Tells how the daemon is.

    Parameters
    ----------
    listeners
        Who is told.
    clock
        Gives the time as ISO 8601.
    """

    def __init__(self, listeners: Listeners, clock: Callable[[], str]) -> None:
        self._to = listeners
        self._clock = clock
        self._last: Mapping[str, Any] = {}
        self._told = self._measured = float("-inf")

    def has_news(self, parts: Parts) -> bool:
        """Tell whether there is something that was not told."""
        return _facts(parts) != self._last

    def tell(self, parts: Parts, now: float) -> None:
        """Tell it, as far as it is news. ``now`` is steady."""
        facts = _facts(parts)
        left = sum(facts["queue"].values())
        status = facts["reasons"][0] if facts["reasons"] else f"{left} files on the way" if left else "up to date"
        # Without a ping, systemd starts a new one: when no events come, or nothing can be kept.
        alive = parts.guards.is_heard() and not parts.pipeline.is_stuck()
        self._to.notifier.send(*(["WATCHDOG=1"] if alive else []), f"STATUS={status}")
        if facts != self._last or now - self._told >= _UNCHANGED_SECONDS:
            self._last, self._told = facts, now
            control.write_heartbeat(self._to.state_dir, {**facts, "at": self._clock()})
        if self._to.metrics_file is not None and now - self._measured >= _METRICS_SECONDS:
            self._measured = now
            self._write_metrics(self._to.metrics_file, facts)

    def _write_metrics(self, file: Path, facts: Mapping[str, Any]) -> None:
        part = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            with reading(open_reader(self._to.state_dir / "difwatch.db")) as connection:
                status = read_status(connection, os.getpid(), dict(facts), self._clock())
            part.write_text("".join(text_metrics(status)), encoding="utf-8", errors="backslashreplace")
            part.chmod(0o644)  # read by another user
            part.replace(file)
        except (OSError, DifwatchError) as error:
            log.warning("%s: the metrics cannot be written (%s)", file, error)
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)


def _facts(parts: Parts) -> dict[str, Any]:
    progress = parts.pipeline.progress()
    return {
        "pid": os.getpid(),
        "version": __version__,
        "reasons": parts.troubles(),
        "folders": [asdict(one) | {"path": os.fsdecode(one.path)} for one in parts.guards.states()],
        "queue": {"settling": progress.settling, "waiting": progress.waiting, "working": progress.working},
        "losses": parts.guards.losses(),
    }
