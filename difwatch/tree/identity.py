"""What tells a directory from another one at its place."""

from __future__ import annotations

import os
from typing import NamedTuple


class Identity(NamedTuple):
    """What tells a directory from another one at its place.

    ``dev`` may change with each start of the machine; ``fsid`` stays with a file system that has one of its own.
    """

    dev: int
    inode: int
    fsid: int


def identity(path: bytes) -> Identity | None:
    """Return the identity of a directory; None if the directory cannot be listed."""
    try:
        with os.scandir(path):
            stat = os.stat(path)  # noqa: PTH116  (bytes have no Path)
            return Identity(stat.st_dev, stat.st_ino, os.statvfs(path).f_fsid)
    except OSError:
        return None
