"""Who may write: the process that holds the lock of the state directory."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import struct
from dataclasses import dataclass

from difwatch import paths
from difwatch.control.state_dir import StateDir
from difwatch.errors import StoreBusyError, StoreError

_FLOCK = "hhqqi"  # struct flock of 64-bit Linux: type, whence, start, length, pid
_OPEN = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a lock.

    ``pid`` is 0 if it runs in another container, where its number is another one. ``token`` is a word that it made at
    its start, and ``work`` the command that it carries out; both are empty if they could not be written.
    """

    pid: int
    token: str
    work: str

    @property
    def shown(self) -> str:
        """The process in words."""
        return f"pid {self.pid}" if self.pid else "in another container"


class WriterLock:
    """The right to write to a state directory, held until `release` or the end of the process.

    A record lock of the kernel ends with its process, however that ends, so no lock is ever stale. The kernel itself
    knows the pid of the holder.

    Parameters
    ----------
    work
        The command that this process carries out.

    Attributes
    ----------
    token
        A word by which this process is known to whoever reads the lock.

    Raises
    ------
    StoreBusyError
        Another process holds the lock; the message names it.
    StoreError
        The state directory cannot be used.
    """

    def __init__(self, state_dir: StateDir, work: str) -> None:
        self._path = state_dir.lock
        self.token = secrets.token_hex(8)
        state_dir.make()
        try:
            self._descriptor = os.open(self._path, _OPEN | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be made: {error.strerror}; choose another --state-dir") from error
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            other = holder(state_dir)
            what = f"another difwatch ({'just ended' if other is None else other.shown})"
            raise StoreBusyError(
                f"{state_dir.path}: {what} is working with this state directory; stop it first, or choose another "
                "--state-dir"
            ) from error
        with contextlib.suppress(OSError):  # a full disk, which the store will complain of
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{self.token} {work}\n".encode(), 0)

    def is_in_place(self) -> bool:
        """Tell whether the file that is locked is still the one that others would lock."""
        held = os.fstat(self._descriptor)
        return paths.inode_of(self._path) == (held.st_dev, held.st_ino)

    def release(self) -> None:
        """Release the lock."""
        os.close(self._descriptor)


def holder(state_dir: StateDir) -> Holder | None:
    """Return the process that holds the lock, without locking; None if no process does."""
    try:
        descriptor = os.open(state_dir.lock, _OPEN)
    except OSError:
        return None
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack_from(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
        if kind == fcntl.F_UNLCK:
            return None
        token, _, work = os.pread(descriptor, _LONGEST, 0).decode("utf-8", "replace").strip().partition(" ")
    finally:
        os.close(descriptor)
    return Holder(max(0, int(pid)), token, work)
