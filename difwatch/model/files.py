"""A path and what was seen there."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileKey:
    """What tells two states of a file apart, compared with ``!=`` and never with ``<``.

    Times are in nanoseconds; ``inode`` is folded into the signed 64 bits that SQLite can hold.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    dev: int
    inode: int

    @classmethod
    def of(cls, stat: os.stat_result) -> FileKey:
        """Return the key in a stat result."""
        mtime_ns, ctime_ns = _clamped(stat.st_mtime_ns), _clamped(stat.st_ctime_ns)
        return cls(_clamped(stat.st_size), mtime_ns, ctime_ns, signed(stat.st_dev), signed(stat.st_ino))


def _clamped(value: int) -> int:
    # Times after 2262 do not fit; that they are all equal does no harm.
    return min(max(value, -(1 << 63)), (1 << 63) - 1)


def signed(value: int) -> int:
    """Fold an unsigned number of 64 bits into the signed 64 bits that SQLite can hold."""
    return value - (1 << 64) if value >= 1 << 63 else value


@dataclass(frozen=True, slots=True)
class FileState:
    """A path and what was seen there; ``key`` is None where nothing was."""

    path: bytes
    key: FileKey | None


class ChangeKind(enum.Enum):
    """FILE: look at this path. TREE: look at everything below it."""

    FILE = "file"
    TREE = "tree"


@dataclass(frozen=True, slots=True)
class Change:
    """Something may be different at ``path``: from an event of the system, or from a walk of the tree.

    A walk has seen the file already and passes its ``key`` along.
    """

    kind: ChangeKind
    path: bytes
    key: FileKey | None = None
