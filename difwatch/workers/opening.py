"""Opening a file that is to be read, without following a link or waiting for a FIFO."""

from __future__ import annotations

import errno
import os
import stat

from difwatch.model.files import FileKey, FileState
from difwatch.model.jobs import Answer, Postponed, Unreadable, Unsettled

PASSING = frozenset(
    {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENFILE, errno.EMFILE, errno.ENOMEM, errno.EAGAIN}
)
"""Errors that say nothing about the file, and may pass."""

_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR}
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_file(path: bytes) -> int | Answer:
    """Return a descriptor to read a file by, or the answer of a file that cannot be opened."""
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return _unopened(path, error)


def kind_of(mode: int) -> str | None:
    """Return what a mode is that of, in words; None for a file, a directory or a link."""
    return _KINDS.get(stat.S_IFMT(mode))


def _unopened(path: bytes, error: OSError) -> Answer:
    if error.errno in _GONE:
        return Unsettled(path)
    if error.errno in PASSING:
        return Postponed(path, f"the file cannot be opened: {error.strerror}")
    try:
        seen = os.lstat(path)
    except OSError:
        return Unsettled(path)
    kind = kind_of(seen.st_mode)
    reason = f"this is {kind}, not a file" if kind else f"the file cannot be opened: {error.strerror}"
    return Unreadable(FileState(path, FileKey.of(seen)), None, reason)
