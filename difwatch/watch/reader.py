"""watchdog's observer for inotify, reporting what it would otherwise swallow.

watchdog swallows overflows, failed watches and the death of its own reader, and rebuilds after an overflow in a way
that can overflow again for ever. These subclasses report such losses and leave the answer to us. The behaviour relied
on is pinned by ``tests/unit/watch/test_watchdog.py``, and the version by ``pyproject.toml``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify import InotifyEmitter
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, InotifyFD, Mask, Watch

from difwatch.model.health import Loss
from difwatch.watch.losses import Report

_VANISHED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # the directory is gone again: nothing to watch


class Reader(InotifyFD):
    """The thread that reads the kernel's queue.

    Parameters
    ----------
    report
        Called with each loss, from this thread or from the one that adds watches; must not raise.
    """

    def __init__(self, report: Callable[[Report], None]) -> None:
        self._report = report
        super().__init__()

    @property
    def descriptor(self) -> int:
        """The descriptor of the inotify instance."""
        return self._inotify_fd

    def handle_event(self, event: InotifyEvent) -> None:
        """Pass an event on, or report that events were lost."""
        if event.is_queue_overflow:
            # watchdog would now create all watches again. Where there are as many directories as the queue has
            # places, that overflows it again, for ever.
            self._report(Report(Loss.OVERFLOW))
            return
        if event.mask & InotifyConstants.IN_UNMOUNT:
            self._report(Report(Loss.UNMOUNTED))
        super().handle_event(event)

    def run(self) -> None:
        """Read until stopped; report an end by an exception."""
        try:
            super().run()
        except Exception as error:
            self._report(Report(Loss.READER_DIED, detail=f"{type(error).__name__}: {error}"))
            raise

    def close(self) -> None:
        """Close the instance; the kernel removes all its watches with it."""
        with self._lock:
            self._watch_for_wd.clear()  # else each is removed by itself, which fills the queue again
        super().close()

    def _get_or_create_watch(self, path: bytes, mask: Mask) -> Watch:
        try:
            watch = super()._get_or_create_watch(path, mask)
        except OSError as error:
            if error.errno not in _VANISHED:
                self._report(Report(Loss.WATCH_FAILED, path, error.strerror or str(error)))
            raise
        if watch.wd == -1:  # not permitted: watchdog keeps an invalid watch
            self._watch_for_wd.pop(watch.wd, None)
            reason = os.strerror(errno.EACCES)
            self._report(Report(Loss.WATCH_FAILED, path, reason))
            raise PermissionError(errno.EACCES, reason)
        return watch


class _Emitter(InotifyEmitter):
    def on_thread_stop(self) -> None:
        if self._inotify is not None:
            # The reader has ended, and its watches are gone. watchdog would still remove them, and fail where its
            # records of directories that were moved away disagree.
            self._inotify._active_callbacks_by_watch.clear()
        super().on_thread_stop()


class LoudObserver(BaseObserver):
    """An observer with a `Reader` of its own, which is started at once.

    Raises
    ------
    OSError
        The system refuses an inotify instance.
    """

    def __init__(self, report: Callable[[Report], None]) -> None:
        self.reader = Reader(report)
        self.reader.start()
        super().__init__(_Emitter, inotify_fd=self.reader)

    def on_thread_stop(self) -> None:
        """End the reader first, and all watches with it."""
        self.reader.stop()
        self.reader.join()
        super().on_thread_stop()
