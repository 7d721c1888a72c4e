"""What a complete walk of a watched folder showed."""

from __future__ import annotations

from dataclasses import dataclass

from difwatch.tree.roots import Root
from difwatch.tree.scan import Directory


@dataclass(frozen=True, slots=True)
class Walked:
    """The result of a walk that has ended.

    Attributes
    ----------
    root
        The folder.
    known
        The number of files known from the folder.
    missing
        Known files that were not there.
    away
        Known files whose file system was not there.
    directories
        All directories that were found.
    is_blind
        Whether a part of the folder could not be read.
    seconds
        How long the walk took.
    """

    root: Root
    known: int
    missing: tuple[bytes, ...] = ()
    away: tuple[bytes, ...] = ()
    directories: tuple[Directory, ...] = ()
    is_blind: bool = False
    seconds: float = 0.0
