"""A watched folder: which paths in it count, and whether it is there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pathspec import GitIgnoreSpec

from difwatch.model import Folder

ALWAYS_EXCLUDED = frozenset({b".Trash", b"$RECYCLE.BIN", b"@eaDir", b"#recycle"})
"""Waste baskets and thumbnails that systems keep inside picture folders, besides ``.Trash-`` and a user's id."""

_HOME_BASKET = b"/.local/share/Trash/"


class Root:
    """The rules of one watched folder.

    Parameters
    ----------
    folder
        With its real path (no symbolic link in it).
    is_image_name
        Tells whether a name counts while ``limit_extensions`` is on.
    apart
        Directories that never count, wherever they lie.
    """

    def __init__(
        self, folder: Folder, is_image_name: Callable[[bytes], bool], apart: frozenset[bytes] = frozenset()
    ) -> None:
        self.folder = folder
        self.path = folder.path
        self._inside = folder.path.rstrip(b"/") + b"/"
        self._is_image_name = is_image_name
        self.is_remote = False
        """Whether others may change its files without a word to this machine; known when it is armed."""
        self.is_layered = False
        """Whether a file may be on another device than its directory (overlayfs); known when it is armed."""
        self._apart = tuple(path.rstrip(b"/") + b"/" for path in apart)
        self._patterns = GitIgnoreSpec.from_lines(folder.exclude) if folder.exclude else None

    def keep_apart(self, path: bytes) -> None:
        """From now on, nothing in this directory counts."""
        self._apart = (*self._apart, path.rstrip(b"/") + b"/")

    def contains(self, path: bytes) -> bool:
        """Tell whether the path lies below this folder, at any depth."""
        return path.startswith(self._inside)

    def admits_file(self, path: bytes) -> bool:
        """Tell whether a file of this path counts."""
        if not self.contains(path) or path.startswith(self._apart):
            return False
        relative = path[len(self._inside) :]
        if not self.folder.recursive and b"/" in relative:
            return False
        if self.folder.limit_extensions and not self._is_image_name(path):
            return False
        return not self._is_excluded(relative)

    def admits_directory(self, path: bytes) -> bool:
        """Tell whether the walk goes into this directory."""
        if path == self.path:
            return True
        if (path + b"/").startswith(self._apart):
            return False
        relative = path[len(self._inside) :]
        return self.folder.recursive and not self._is_excluded(relative + b"/")

    def _is_excluded(self, relative: bytes) -> bool:
        parts = relative.split(b"/")
        if _HOME_BASKET in b"/" + self._inside + relative:
            return True
        for part in parts[:-1]:
            if part in ALWAYS_EXCLUDED or part.startswith(b".Trash-"):
                return True
        if self._patterns is None:
            return False
        # As in git: what lies in an excluded directory cannot be included again.
        above = (b"/".join(parts[:depth]) + b"/" for depth in range(1, len(parts)))
        return any(self._patterns.match_file(os.fsdecode(one)) for one in (*above, relative) if one)


def innermost(roots: Sequence[Root], path: bytes) -> Root | None:
    """The root that a path belongs to: of nested ones, the deepest."""
    return max((root for root in roots if root.contains(path)), key=lambda root: len(root.path), default=None)


class Identity(NamedTuple):
    """What tells a directory from another one at its place.

    ``dev`` may be another number after each start of the machine; ``fsid`` stays with the file system, where it has
    one of its own.
    """

    dev: int
    inode: int
    fsid: int


def identity(path: bytes) -> Identity | None:
    """The identity of a directory that can be listed; None if it is not there."""
    try:
        with os.scandir(path):
            stat = os.stat(path)  # noqa: PTH116  (bytes have no Path)
            return Identity(stat.st_dev, stat.st_ino, os.statvfs(path).f_fsid)
    except OSError:
        return None
