"""Changes on their way from the threads of the watchers to the loop."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable

from difwatch.model.files import Change

_READ_BYTES = 4096


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
        """Return the descriptor to wait on."""
        return self._read

    def put(self, changes: Iterable[Change]) -> None:
        """Add changes that belong together, without blocking; allowed from any thread."""
        with self._lock:
            first = not self._changes
            self._changes.update(dict.fromkeys(changes))
        if first:
            self.wake()

    def wake(self) -> None:
        """Make ``fileno`` readable; allowed in a signal handler."""
        with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            os.write(self._write, b"!")

    def note_woken(self) -> None:
        """Make ``fileno`` unreadable until the next `wake`; look afterwards for what caused the last one."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._read, _READ_BYTES):
                pass

    def take(self) -> list[Change]:
        """Remove and return all changes, in the order in which they came."""
        with self._lock:
            changes, self._changes = self._changes, {}
        return list(changes)

    def close(self) -> None:
        """Close the descriptors."""
        os.close(self._read)
        os.close(self._write)
