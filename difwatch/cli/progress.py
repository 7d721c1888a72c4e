"""Progress lines: a changing one on a terminal, elsewhere a plain one every ten seconds."""

from __future__ import annotations

import logging
import sys

from difwatch.cli.logs import ERASE
from difwatch.clock import Clock
from difwatch.model.health import Progress, RescanProgress
from difwatch.shown import shown_duration

_PLAIN_SECONDS = 10.0


class _Line:
    """A changing line on a terminal, elsewhere a plain line every ten seconds."""

    def __init__(self, clock: Clock, quiet: bool) -> None:
        self._clock = clock
        self._quiet = quiet
        self._said_at = 0.0
        self._began: tuple[float, int] | None = None

    def end(self) -> None:
        """Clear the line."""
        if sys.stderr.isatty():
            sys.stderr.write(ERASE)

    def _rate(self, done: int) -> float:
        """Return how many are done per second since the line began to show something."""
        now = self._clock.monotonic()
        if self._began is None:
            self._began = (now, done)
            self._said_at = now  # the first plain line comes a while after this
        began, done_then = self._began
        return (done - done_then) / (now - began) if now > began else 0.0

    def _show(self, text: str) -> None:
        now = self._clock.monotonic()
        if self._quiet:
            return
        if sys.stderr.isatty():
            sys.stderr.write(ERASE + text)
            sys.stderr.flush()
        elif now - self._said_at >= _PLAIN_SECONDS:
            self._said_at = now
            logging.getLogger("difwatch.progress").info(text)


class ProgressLine(_Line):
    """Shows the progress of the daemon."""

    def __call__(self, progress: Progress) -> None:
        """Show the progress while there is something to do."""
        left = progress.queue.waiting + progress.queue.working
        if left:
            self._show(described(progress, self._rate(progress.done)))
        elif progress.rescan is not None and progress.rescan.tasks:
            self._show(described_rescan(progress.rescan, self._rate(progress.rescan.done)))
        else:
            self._began = None


class TaskLine(_Line):
    """Shows how many parts of a long task are done."""

    def __init__(self, clock: Clock, quiet: bool, parts: str = "parts") -> None:
        super().__init__(clock, quiet)
        self._parts = parts

    def __call__(self, done: int, parts: int, text: str) -> None:
        """Show how many parts are done; ``text`` is the result so far."""
        self._show(_parts(done, parts, text, self._rate(done), self._parts))


def described(progress: Progress, rate: float) -> str:
    """Return the progress in words; ``rate`` is in files per second."""
    left = progress.queue.waiting + progress.queue.working
    text = f"{progress.done} of {progress.done + left} files read"
    if progress.scanning or not rate:
        return text
    return f"{text}, {rate:.0f} a second, {shown_duration(round(left / rate))} left"


def described_rescan(progress: RescanProgress, rate: float) -> str:
    """Return the progress of a full search in words; ``rate`` is in parts per second."""
    text = f"{progress.pairs} pairs found up to an {progress.measure.upper()} of {progress.error:g}"
    return _parts(progress.done, progress.tasks, text, rate)


def _parts(done: int, parts: int, text: str, rate: float, noun: str = "parts") -> str:
    left = f", {shown_duration(round((parts - done) / rate))} left" if rate else ""
    return f"{done} of {parts} {noun} done, {text}{left}"
