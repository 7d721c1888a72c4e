"""Log lines for people and for programs, and the progress line that they must not break."""

from __future__ import annotations

import collections
import json
import logging
import math
import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from difwatch.pipeline.run import Progress
from difwatch.report.text import shown

_ERASE = "\r\x1b[K"
_PLAIN_SECONDS = 10.0
_REPEAT_SECONDS = 600.0
_TEXTS_MOST = 1000


_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class _Text(logging.Formatter):
    """For people; in the journal of systemd, which adds the time, each line begins with its priority."""

    def __init__(self, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        if self._journal:
            start = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        else:
            level = f"{record.levelname.lower()}: " if record.levelno > logging.INFO else ""
            start = self.formatTime(record, "%Y-%m-%d %H:%M:%S ") + level
        text = start + shown(record.getMessage())
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "severity": record.levelname.lower(),  # a match has a level of its own
            "event": getattr(record, "event", "log"),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line | getattr(record, "fields", {}))


class Repetition(logging.Filter):
    """Lets a warning through once in ten minutes, and then says how often it was meant.

    The time is that of the records; so many texts are remembered at the most.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: collections.OrderedDict[str, tuple[float, int]] = collections.OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or record.exc_info:
            return True
        text = record.getMessage()
        since, left_out = self._said.get(text, (-math.inf, 0))
        if record.created - since < _REPEAT_SECONDS:
            self._said[text] = (since, left_out + 1)
            return False
        self._said[text] = (record.created, 0)
        self._said.move_to_end(text)
        if len(self._said) > _TEXTS_MOST:
            self._said.popitem(last=False)
        if left_out:
            record.msg, record.args = f"{text} (and {left_out} more times since it was said last)", ()
        return True


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]
    def emit(self, record: logging.LogRecord) -> None:
        if sys.stderr.isatty():
            self.stream.write(_ERASE)
        super().emit(record)


def is_journal(environment: Mapping[str, str]) -> bool:
    """Tell whether the error output is the journal of systemd, which names it by device and inode."""
    found = os.fstat(sys.stderr.fileno())
    return environment.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def set_up(verbose: bool, quiet: bool, log_format: str, journal: bool) -> None:
    """Send the log of difwatch to stderr, which may be the ``journal`` of systemd."""
    handler = _Stderr(sys.stderr)
    handler.addFilter(Repetition())
    handler.setFormatter(_Json() if log_format == "json" else _Text(journal))
    log = logging.getLogger("difwatch")
    log.handlers = [handler]
    log.setLevel(logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO)


class _Line:
    """One changing line on a terminal, a plain line now and then otherwise."""

    def __init__(self) -> None:
        self._said = 0.0

    def begin(self, now: float) -> None:
        """The first plain line comes a while after this."""
        self._said = now

    def show(self, text: str, now: float) -> None:
        """Show it, or say it if it is time."""
        if sys.stderr.isatty():
            sys.stderr.write(_ERASE + text)
            sys.stderr.flush()
        elif now - self._said >= _PLAIN_SECONDS:
            self._said = now
            logging.getLogger("difwatch.progress").info(text)

    def end(self) -> None:
        """Leave a clean line behind."""
        if sys.stderr.isatty():
            sys.stderr.write(_ERASE)


class ProgressLine(_Line):
    """Shows how far the pipeline is."""

    def __init__(self, quiet: bool) -> None:
        super().__init__()
        self._quiet = quiet
        self._started: tuple[float, int] | None = None

    def __call__(self, progress: Progress) -> None:
        """Show it."""
        now = time.monotonic()
        left = progress.waiting + progress.working
        if self._quiet or not left:
            self._started = None
            return
        if self._started is None:
            self._started = (now, progress.done)
            self.begin(now)
        self.show(describe(progress, now - self._started[0], progress.done - self._started[1]), now)


class TaskLine(_Line):
    """Shows how many parts of a long task are done."""

    def __init__(self, quiet: bool) -> None:
        super().__init__()
        self._quiet = quiet
        self._started: tuple[float, int] | None = None

    def __call__(self, done: int, parts: int, found: str) -> None:
        """Show it; ``found`` is what there is to say so far."""
        now = time.monotonic()
        if self._started is None:
            self._started = (now, done)
            self.begin(now)
        since, before = self._started
        rate = (done - before) / (now - since) if now > since else 0.0
        left = f", {_duration(round((parts - done) / rate))} left" if rate else ""
        if not self._quiet:
            self.show(f"{done} of {parts} parts done, {found}{left}", now)


def describe(progress: Progress, seconds: float, done: int) -> str:
    """Progress in words: how many of how many, the rate, and the time left at that rate."""
    left = progress.waiting + progress.working
    rate = done / seconds if seconds > 0 else 0.0
    text = f"{progress.done} of {progress.done + left} files read"
    if progress.scanning or not rate:
        return text
    return f"{text}, {rate:.0f} a second, {_duration(round(left / rate))} left"


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{f'{minutes} min ' if minutes else ''}{rest} s"
