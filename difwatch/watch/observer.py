"""The events of the system, by watchdog, as changes. One observer per root.

A handler of watchdog must never raise and must not take long: it puts a change into the inbox and returns.
"""

from __future__ import annotations

import collections
import contextlib
import os
import threading
import warnings
from collections.abc import Callable, Iterable

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

from difwatch.model import Change, ChangeKind
from difwatch.watch import canary
from difwatch.watch.losses import Loss, Report
from difwatch.watch.reader import LoudObserver

# Watchdog warns about a folder that is moved out and in again, in its own thread and with a text that names
# every watched path.
warnings.filterwarnings("ignore", message="Callback with id", category=RuntimeWarning)

# Opening and reading are left out: our own reads would come back as events.
_EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileAttribEvent, FileMovedEvent, FileDeletedEvent,
    DirCreatedEvent, DirMovedEvent, DirDeletedEvent, DirAttribEvent,
]  # fmt: skip

_REPORTS_MOST = 1000


class Inbox:
    """Changes on their way from the threads of watchdog to the loop; ``fileno`` is readable when there are some.

    The same change is held once, so a file that is written to all the time costs one entry.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: dict[Change, None] = {}
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._read

    def put(self, changes: Iterable[Change]) -> None:
        """Add changes that belong together; from any thread, never blocking."""
        with self._lock:
            first = not self._changes
            self._changes.update(dict.fromkeys(changes))
        if first:
            self.wake()

    def wake(self) -> None:
        """Make ``fileno`` readable; allowed in a signal handler."""
        with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            os.write(self._write, b"!")

    def take(self) -> list[Change]:
        """Take all changes, in the order in which they came."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._read, 4096):
                pass
        with self._lock:
            changes, self._changes = self._changes, {}
        return list(changes)

    def close(self) -> None:
        """Close the descriptors."""
        os.close(self._read)
        os.close(self._write)


class RootObserver:
    """Watches one root, and the canary. Make it first and scan second, so that nothing falls between.

    Parameters
    ----------
    path, recursive
        What is watched.
    inbox
        Where the changes go.
    bird
        The canary; None for none.
    alarm
        Called when there is a loss, from any thread.

    Raises
    ------
    OSError
        The root cannot be watched: gone, not permitted, or a limit of the system.
    """

    def __init__(
        self, path: bytes, recursive: bool, inbox: Inbox, bird: canary.Canary | None, alarm: Callable[[], None]
    ) -> None:
        self._alarm = alarm
        self._reports: collections.deque[Report] = collections.deque(maxlen=_REPORTS_MOST)
        self._ear = canary.Ear()
        before = set(threading.enumerate())
        self._observer = LoudObserver(self._take_report)
        try:
            self._observer.schedule(_Handler(inbox), os.fsdecode(path), recursive=recursive, event_filter=_EVENTS)
            self._observer.start()
        except OSError:
            self.stop()
            raise
        self._listens = bird is not None and self._listen(bird)
        self._threads = set(threading.enumerate()) - before

    def _listen(self, bird: canary.Canary) -> bool:
        """Watch the canary, after the root: of two watches of one directory, the kernel keeps the later mask."""
        try:
            self._observer.schedule(self._ear, os.fsdecode(bird.directory), event_filter=canary.EVENTS)
        except OSError as error:
            self._take_report(Report(Loss.WATCH_FAILED, bird.directory, error.strerror or str(error)))
            return False
        return True

    @property
    def descriptor(self) -> int:
        """The inotify instance."""
        return self._observer.reader.descriptor

    def is_alive(self) -> bool:
        """Tell whether all threads that the observer started still run."""
        return all(thread.is_alive() for thread in self._threads)

    def heard_canary(self) -> bool:
        """Tell whether the canary was heard since this was asked last, or cannot be listened to."""
        heard, self._ear.heard = self._ear.heard, False
        return heard or not self._listens

    def reports(self) -> list[Report]:
        """Take the losses that were told since the last time."""
        return [self._reports.popleft() for _ in range(len(self._reports))]

    def stop(self) -> None:
        """Stop watching and wait for the threads."""
        self._observer.stop()
        if self._observer.ident is not None:
            self._observer.join()

    def _take_report(self, report: Report) -> None:
        self._reports.append(report)
        if report.loss is not Loss.WATCH_FAILED:  # those come by the thousand, and the next walk tells which
            self._alarm()


class _Handler(FileSystemEventHandler):
    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def on_any_event(self, event: FileSystemEvent) -> None:
        kind = ChangeKind.TREE if event.is_directory else ChangeKind.FILE
        paths = (event.src_path, event.dest_path)
        # Both ends of a move at once, so that it is seen as one.
        self._inbox.put([Change(kind, os.fsencode(path)) for path in paths if path])
