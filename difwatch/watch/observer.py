"""The events that watchdog reports, as changes. One observer per root.

A handler of watchdog must never raise and must not take long: it puts a change into the inbox and returns.
"""

from __future__ import annotations

import collections
import os
import threading
import warnings
from typing import Protocol

from watchdog.events import (
    DirAttribEvent,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)

from difwatch.model.files import Change, ChangeKind
from difwatch.model.health import Loss
from difwatch.watch.canary import EVENTS as CANARY_EVENTS
from difwatch.watch.canary import Canary, CanaryListener
from difwatch.watch.inbox import Inbox
from difwatch.watch.losses import Report
from difwatch.watch.reader import LoudObserver, Reader

# Opening and reading are left out: our own reads would come back as events.
_EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileAttribEvent, FileMovedEvent, FileDeletedEvent,
    DirCreatedEvent, DirMovedEvent, DirDeletedEvent, DirAttribEvent,
]  # fmt: skip

_REPORTS_MOST = 1000


class Alarm(Protocol):
    """Whoever answers losses."""

    def doubt(self) -> None:
        """Look after all folders soon; called from any thread."""


class RootObserver:
    """Watches one root, and the canary. Create the observer before the scan, so that no change is missed.

    Parameters
    ----------
    path, recursive
        What is watched, and whether with all below it.
    inbox
        Where the changes go.
    canary
        A file whose events must come through; None for no such proof.
    alarm
        Raised when events are lost.

    Raises
    ------
    OSError
        The root cannot be watched: gone, not permitted, or a limit of the system.
    """

    def __init__(self, path: bytes, recursive: bool, inbox: Inbox, canary: Canary | None, alarm: Alarm) -> None:
        # Watchdog warns about a folder that is moved out and in again, in its own thread and with a text that names
        # every watched path.
        warnings.filterwarnings("ignore", message="Callback with id", category=RuntimeWarning)
        self._alarm = alarm
        self._reports: collections.deque[Report] = collections.deque(maxlen=_REPORTS_MOST)
        self.listener = CanaryListener()
        threads_before = set(threading.enumerate())
        self._observer = LoudObserver(self.report)
        try:
            self._observer.schedule(_Handler(inbox), os.fsdecode(path), recursive=recursive, event_filter=_EVENTS)
            self._observer.start()
        except OSError:
            self.stop()
            raise
        self._listens = canary is not None and self._listen(canary)
        self._threads = set(threading.enumerate()) - threads_before

    def _listen(self, canary: Canary) -> bool:
        """Watch the canary, after the root: of two watches of one directory, the kernel keeps the later mask."""
        try:
            self._observer.schedule(self.listener, os.fsdecode(canary.directory), event_filter=CANARY_EVENTS)
        except OSError as error:
            self.report(Report(Loss.WATCH_FAILED, canary.directory, error.strerror or str(error)))
            return False
        return True

    @property
    def reader(self) -> Reader:
        """The thread that reads the kernel's queue."""
        return self._observer.reader

    def is_alive(self) -> bool:
        """Tell whether all threads that the observer started still run."""
        return all(thread.is_alive() for thread in self._threads)

    def heard_canary(self) -> bool:
        """Tell whether the canary was heard since the last call, or cannot be listened to."""
        heard, self.listener.heard = self.listener.heard, False
        return heard or not self._listens

    def reports(self) -> list[Report]:
        """Remove and return the losses that were reported since the last call."""
        return [self._reports.popleft() for _ in range(len(self._reports))]

    def stop(self) -> None:
        """Stop watching and wait for the threads."""
        self._observer.stop()
        if self._observer.ident is not None:
            self._observer.join()

    def report(self, report: Report) -> None:
        """Record a loss; allowed from any thread."""
        self._reports.append(report)
        if report.loss is not Loss.WATCH_FAILED:  # these come by the thousand; the next walk finds out which
            self._alarm.doubt()


class _Handler(FileSystemEventHandler):
    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def on_any_event(self, event: FileSystemEvent) -> None:
        kind = ChangeKind.TREE if event.is_directory else ChangeKind.FILE
        paths = (event.src_path, event.dest_path)
        # Both ends of a move at once, so that it is seen as one move.
        self._inbox.put([Change(kind, os.fsencode(path)) for path in paths if path])
