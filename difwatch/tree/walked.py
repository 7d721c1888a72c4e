"""What a complete walk of a watched folder showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    passed_over
        The number of pictures and videos that are not read because of their extension, by extension.
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
    passed_over: Mapping[str, int] = field(default_factory=dict)
    is_blind: bool = False
    seconds: float = 0.0
