"""What tells a directory from another one at its place."""

from __future__ import annotations

import os
from typing import NamedTuple


class Identity(NamedTuple):
    """What tells a directory from another one at its place.

    ``dev`` may be another number after each start of the machine; ``fsid`` stays with the file system, where it has
    one of its own.
    """

    dev: int
    inode: int
    fsid: int


def identity(path: bytes) -> Identity | None:
    """The identity of a directory that can be listed; None if it is not there."""
    try:
        with os.scandir(path):
            stat = os.stat(path)  # noqa: PTH116  (bytes have no Path)
            return Identity(stat.st_dev, stat.st_ino, os.statvfs(path).f_fsid)
    except OSError:
        return None
