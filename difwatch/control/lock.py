"""Who may write: the process that holds the lock of the state directory."""

from __future__ import annotations

import fcntl
import os
import struct

from difwatch.control.state_dir import StateDir
from difwatch.errors import StoreBusyError, StoreError

_FLOCK = "hhqqi"  # struct flock of 64-bit Linux: type, whence, start, length, pid


class WriterLock:
    """The right to write to a state directory, held until `release` or the end of the process.

    A record lock of the kernel ends with its process, however that ends, so no lock is ever stale. The kernel itself
    knows the pid of the holder.

    Raises
    ------
    StoreBusyError
        Another process holds the lock; the message names its pid.
    """

    def __init__(self, state_dir: StateDir) -> None:
        path = state_dir.lock
        try:
            state_dir.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{path}: cannot be made: {error.strerror}; choose another --state-dir") from error
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise StoreBusyError(
                f"{state_dir.path}: another difwatch (pid {holder(state_dir)}) is working with this state directory; "
                "stop it first, or choose another --state-dir"
            ) from error

    def release(self) -> None:
        """Release the lock."""
        os.close(self._descriptor)


def holder(state_dir: StateDir) -> int | None:
    """Return the pid of the process that holds the lock, without locking; None if no process does."""
    try:
        descriptor = os.open(state_dir.lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack_from(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else int(pid)
