"""What to do about a path, from what is there and what is known. Pure.

A moved file is read again, but not decoded. Device, inode, size and time can agree by chance after an inode is used
again; only the digest of the bytes shows that the file is the same.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

from difwatch.model.files import FileKey, FileState


class Verdict(enum.Enum):
    """What happened to a path since it was last read.

    An UNWANTED path is known, but excluded now. RENUMBERED is a file with another inode number, on a disk that gives
    new numbers whenever it is mounted.
    """

    NEW = "new"
    CHANGED = "changed"
    MOVED = "moved"
    SAME = "same"
    RENUMBERED = "renumbered"
    GONE = "gone"
    UNWANTED = "unwanted"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict about a path; ``source`` is the old path of a moved file, ``device`` that of a file that is gone."""

    verdict: Verdict
    state: FileState
    source: bytes | None = None
    device: int | None = None


class KnownState(Protocol):
    """What the decision needs to know of a row of the store."""

    @property
    def path(self) -> bytes: ...

    @property
    def key(self) -> FileKey: ...

    @property
    def recipe_id(self) -> int | None: ...


def decide(
    state: FileState,
    known: KnownState | None,
    former: KnownState | None,
    recipe_id: int,
    has_inodes: bool = True,
) -> Decision:
    """Decide about one path.

    Parameters
    ----------
    state
        What is at the path now; without a key if nothing there counts.
    known
        The row of the path.
    former
        A row with the same inode whose own path is empty now.
    recipe_id
        The recipe in force; a content read under another one is read again.
    has_inodes
        Whether the file keeps its inode number when its disk is mounted again.
    """
    if state.key is None:
        return Decision(Verdict.GONE, state, device=known.key.dev) if known else Decision(Verdict.SAME, state)
    if known is not None:
        if known.recipe_id not in (recipe_id, None):
            return Decision(Verdict.CHANGED, state)
        if not has_inodes and _is_renumbered(known.key, state.key):
            return Decision(Verdict.RENUMBERED, state)
        return Decision(Verdict.SAME if known.key == state.key else Verdict.CHANGED, state)
    if former is not None and _unwritten(former.key, state.key):
        return Decision(Verdict.MOVED, state, former.path)
    return Decision(Verdict.NEW, state)


def decide_excluded(path: bytes, known: KnownState | None) -> Decision:
    """Decide about a path that no watched folder admits, whatever is there."""
    return Decision(Verdict.UNWANTED if known else Verdict.SAME, FileState(path, None))


def _is_renumbered(old: FileKey, new: FileKey) -> bool:
    return old.inode != new.inode and (old.size, old.mtime_ns) == (new.size, new.mtime_ns)


def _unwritten(old: FileKey, new: FileKey) -> bool:
    # Renaming changes the ctime and nothing else. That the bytes are the same is checked by their digest.
    return (old.dev, old.inode, old.size, old.mtime_ns) == (new.dev, new.inode, new.size, new.mtime_ns)
