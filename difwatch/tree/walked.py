"""What a complete walk of a watched folder showed."""

from __future__ import annotations

from dataclasses import dataclass

from difwatch.tree.roots import Root
from difwatch.tree.scan import Directory


@dataclass(frozen=True, slots=True)
class Walked:
    """Of a walk that has ended.

    Attributes
    ----------
    root
        The folder.
    known
        How many files were known from it.
    missing
        Those of them that were not there.
    away
        Those of them whose file system was not there.
    directories
        All that were found.
    is_blind
        Whether a part of it could not be read.
    seconds
        How long it took.
    """

    root: Root
    known: int
    missing: tuple[bytes, ...] = ()
    away: tuple[bytes, ...] = ()
    directories: tuple[Directory, ...] = ()
    is_blind: bool = False
    seconds: float = 0.0
