"""What walks and the flow of changes ask about the watched folders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from difwatch.tree.roots import Root
from difwatch.tree.walked import Walked


class Presence(Protocol):
    """Knows which folders are there, and decides what follows from their walks.

    Times are seconds of the monotonic clock.
    """

    def is_online(self, root: Root) -> bool:
        """Tell whether a folder is there, and the one that was armed; only then can a file in it be gone."""

    def is_remote(self, root: Root) -> bool:
        """Tell whether files of a folder may change on another machine, which causes no events here."""

    def has_inodes(self, root: Root, path: bytes) -> bool:
        """Tell whether a file of a folder keeps its inode number when its disk is mounted again."""

    def is_elsewhere(self, root: Root, dev: int, device_now: int | None) -> bool:
        """Tell whether a file that was on device ``dev`` lies on a file system that is not there now.

        ``device_now`` is the device of the file's directory, or of the nearest one above it; None if unknown.
        """

    def walk_ended(self, walked: Walked, now: float) -> Sequence[bytes]:
        """Judge a complete walk; return the known files that are believed to be gone."""

    def doubt(self, root: Root, now: float) -> None:
        """Ask for a walk of the whole folder soon, because a part of it could not be read."""


class KnownFiles(Protocol):
    """Knows which files are known from a folder."""

    def has_known(self, root: Root) -> bool:
        """Tell whether files are known from a folder, and nobody said that the missing ones are gone."""
