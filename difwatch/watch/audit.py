"""Which directories does the kernel watch for us? Its own list, beside what a walk found."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from difwatch.tree.scan import Directory

_WATCH = re.compile(r"^inotify wd:\S+ ino:([0-9a-f]+) sdev:([0-9a-f]+)", re.MULTILINE)
_MINOR_BITS = 20  # of a device number inside the kernel


def kernel_watches(descriptor: int) -> set[tuple[int, int]]:
    """Device and inode of everything that an inotify instance of this process watches."""
    text = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii")
    return {(_device(int(sdev, 16)), int(inode, 16)) for inode, sdev in _WATCH.findall(text)}


def _device(number: int) -> int:
    return os.makedev(number >> _MINOR_BITS, number & ((1 << _MINOR_BITS) - 1))


def unwatched(directories: Collection[Directory], watches: Collection[tuple[int, int]]) -> list[bytes]:
    """The directories that are there and have no watch, in the order of their paths.

    On file systems whose directories show another device than the kernel's own (btrfs), inodes alone are compared.
    """
    watches = set(watches)
    devices = {dev for dev, _ in watches}
    inodes = {inode for _, inode in watches}
    missing = [
        one
        for one in directories
        if ((one.dev, one.inode) not in watches if one.dev in devices else one.inode not in inodes)
    ]
    return sorted(one.path for one in missing if _is_there(one))


def _is_there(directory: Directory) -> bool:
    try:
        found = os.lstat(directory.path)
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == (directory.dev, directory.inode)
