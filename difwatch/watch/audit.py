"""The directories that the kernel watches for us, compared with those that a walk found."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from difwatch.tree.scan import Directory

_WATCH = re.compile(r"^inotify wd:\S+ ino:([0-9a-f]+) sdev:([0-9a-f]+)", re.MULTILINE)
_MINOR_BITS = 20  # of a device number inside the kernel


def kernel_watches(descriptor: int) -> set[tuple[int, int]]:
    """Return device and inode of everything that an inotify instance of this process watches."""
    text = Path(f"/proc/self/fdinfo/{descriptor}").read_text(encoding="ascii")
    return {(_device(int(sdev, 16)), int(inode, 16)) for inode, sdev in _WATCH.findall(text)}


def _device(number: int) -> int:
    return os.makedev(number >> _MINOR_BITS, number & ((1 << _MINOR_BITS) - 1))


def unwatched(directories: Collection[Directory], watches: Collection[tuple[int, int]]) -> list[bytes]:
    """Return the existing directories that have no watch, in the order of their paths.

    On file systems whose directories show another device than the kernel's own (btrfs), only inodes are compared.
    """
    watches = set(watches)
    devices = {dev for dev, _ in watches}
    inodes = {inode for _, inode in watches}
    missing = [
        directory
        for directory in directories
        if (
            (directory.dev, directory.inode) not in watches
            if directory.dev in devices
            else directory.inode not in inodes
        )
    ]
    return sorted(directory.path for directory in missing if _is_there(directory))


def _is_there(directory: Directory) -> bool:
    try:
        stat_result = os.lstat(directory.path)
    except OSError:
        return False
    return (stat_result.st_dev, stat_result.st_ino) == (directory.dev, directory.inode)
