"""Log lines for people and for programs."""

from __future__ import annotations

import collections
import json
import logging
import math
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from difwatch.cli.hints import completed
from difwatch.clock import SystemClock
from difwatch.shown import shown, shown_count

ERASE = "\r\x1b[K"
"""Clears the line on a terminal, where a progress line may stand."""

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
        text = start + shown(completed(record.getMessage()))
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "severity": record.levelname.lower(),  # not "level": a match has a field of that name
            "event": getattr(record, "event", "log"),
            "message": completed(record.getMessage()),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line | getattr(record, "fields", {}))


class Repetition(logging.Filter):
    """Passes each warning once in ten minutes, with the number of repetitions left out before.

    Times are seconds of the monotonic clock. The last 1000 texts are remembered.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._said: collections.OrderedDict[str, tuple[float, int]] = collections.OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or record.exc_info:
            return True
        text = record.getMessage()
        since, left_out = self._said.get(text, (-math.inf, 0))
        now = self._monotonic()
        if now - since < _REPEAT_SECONDS:
            self._said[text] = (since, left_out + 1)
            return False
        self._said[text] = (now, 0)
        self._said.move_to_end(text)
        if len(self._said) > _TEXTS_MOST:
            self._said.popitem(last=False)
        if left_out:
            record.msg, record.args = f"{text} (and {left_out} more times since it was said last)", ()
        return True


class MatchCount(logging.Filter):
    """Counts the matches until the store is up to date for the first time, and then says what was found.

    On a terminal, a line for each of thousands would bury the progress.

    Parameters
    ----------
    found
        Returns what was found, in words; None where that takes too long.
    """

    def __init__(self, found: Callable[[], str | None]) -> None:
        super().__init__()
        self._found = found
        self._matches = 0
        self._is_first = True

    def filter(self, record: logging.LogRecord) -> bool:
        event = getattr(record, "event", "")
        if self._is_first and event in ("match", "many matches"):
            self._matches += event == "match"
            return False
        if self._is_first and event == "up to date":
            self._is_first = False
            if self._matches:
                found = self._found() or f"{shown_count(self._matches, 'match')} found"
                record.msg, record.args = f"{record.getMessage()}; {found}; 'difwatch review' shows them", ()
        return True


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]
    def emit(self, record: logging.LogRecord) -> None:
        if sys.stderr.isatty():
            self.stream.write(ERASE)
        super().emit(record)


def is_journal(environment: Mapping[str, str]) -> bool:
    """Tell whether stderr is the systemd journal, by the device and inode in ``JOURNAL_STREAM``."""
    if "JOURNAL_STREAM" not in environment:
        return False
    stderr = os.fstat(sys.stderr.fileno())
    return environment.get("JOURNAL_STREAM") == f"{stderr.st_dev}:{stderr.st_ino}"


def set_up(
    verbose: bool, quiet: bool, log_format: str, journal: bool, found: Callable[[], str | None] | None = None
) -> None:
    """Send the log of difwatch to stderr.

    Parameters
    ----------
    journal
        Whether stderr is the systemd journal.
    found
        Where given, the matches of the first walk are not listed on a terminal, and this returns what was found.
    """
    handler = _Stderr(sys.stderr)
    if found is not None and log_format == "text" and not verbose and sys.stderr.isatty():
        handler.addFilter(MatchCount(found))
    handler.addFilter(Repetition(SystemClock().monotonic))
    handler.setFormatter(_Json() if log_format == "json" else _Text(journal))
    log = logging.getLogger("difwatch")
    log.handlers = [handler]
    log.setLevel(logging.DEBUG if verbose else logging.WARNING if quiet else logging.INFO)
