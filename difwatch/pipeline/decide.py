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
    """What happened to a path since it was last read; an UNWANTED path is known, but excluded now."""

    NEW = "new"
    CHANGED = "changed"
    MOVED = "moved"
    SAME = "same"
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


def decide(state: FileState, known: KnownState | None, former: KnownState | None, recipe_id: int) -> Decision:
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
    """
    if state.key is None:
        return Decision(Verdict.GONE, state, device=known.key.dev) if known else Decision(Verdict.SAME, state)
    if known is not None:
        same = known.key == state.key and known.recipe_id in (recipe_id, None)
        return Decision(Verdict.SAME if same else Verdict.CHANGED, state)
    if former is not None and _unwritten(former.key, state.key):
        return Decision(Verdict.MOVED, state, former.path)
    return Decision(Verdict.NEW, state)


def decide_excluded(path: bytes, known: KnownState | None) -> Decision:
    """Decide about a path that no watched folder admits, whatever is there."""
    return Decision(Verdict.UNWANTED if known else Verdict.SAME, FileState(path, None))


def _unwritten(old: FileKey, new: FileKey) -> bool:
    # Renaming changes the ctime and nothing else. That the bytes are the same is checked by their digest.
    return (old.dev, old.inode, old.size, old.mtime_ns) == (new.dev, new.inode, new.size, new.mtime_ns)
