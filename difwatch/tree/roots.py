"""The rules of a watched folder: which paths in it count."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from pathspec import GitIgnoreSpec

from difwatch import paths
from difwatch.extensions import media_extension
from difwatch.model.settings import Folder
from difwatch.tree.private import private_parts


class Root:
    """The rules of one watched folder.

    Parameters
    ----------
    folder
        With its real path (no symbolic link in it).
    is_image_name
        Tells whether a name counts while ``limit_extensions`` is on.
    excluded
        Directories that never count, wherever they lie.
    """

    def __init__(
        self, folder: Folder, is_image_name: Callable[[bytes], bool], excluded: Iterable[bytes] = ()
    ) -> None:
        self.folder = folder
        self.path = folder.path
        self._inside = paths.inside(folder.path)
        self._is_image_name = is_image_name
        self._excluded = tuple(map(paths.inside, excluded))
        self._patterns = GitIgnoreSpec.from_lines(folder.exclude) if folder.exclude else None
        self._wanted = GitIgnoreSpec.from_lines(folder.include)

    def exclude(self, path: bytes) -> None:
        """Exclude a directory, and all that is in it, from now on."""
        self._excluded = (*self._excluded, paths.inside(path))

    def contains(self, path: bytes) -> bool:
        """Tell whether the path lies below this folder, at any depth."""
        return path.startswith(self._inside)

    def admits_file(self, path: bytes) -> bool:
        """Tell whether a file at this path counts."""
        return self._admits_name(path) and self._admits_place(path)

    def passes_over(self, path: bytes) -> str | None:
        """Return the extension of a picture or video that does not count only because of that extension."""
        extension = None if self._admits_name(path) else media_extension(path)
        return extension if extension is not None and self._admits_place(path) else None

    def _admits_name(self, path: bytes) -> bool:
        return not self.folder.limit_extensions or self._is_image_name(path)

    def _admits_place(self, path: bytes) -> bool:
        if not self.contains(path) or path.startswith(self._excluded):
            return False
        relative = path[len(self._inside) :]
        if not self.folder.recursive and b"/" in relative:
            return False
        return not self._is_excluded(relative)

    def admits_directory(self, path: bytes) -> bool:
        """Tell whether the walk goes into this directory."""
        if path == self.path:
            return True
        if paths.inside(path).startswith(self._excluded):
            return False
        relative = path[len(self._inside) :]
        return self.folder.recursive and not self._is_excluded(relative + b"/")

    def _is_excluded(self, relative: bytes) -> bool:
        if any(map(self._is_unwanted, private_parts(self._inside + relative))):
            return True
        if self._patterns is None:
            return False
        # As in git: what lies in an excluded directory cannot be included again.
        parts = relative.split(b"/")
        above = (b"/".join(parts[:depth]) + b"/" for depth in range(1, len(parts)))
        return any(self._patterns.match_file(os.fsdecode(part)) for part in (*above, relative) if part)

    def _is_unwanted(self, place: bytes) -> bool:
        """Tell whether a private place is not to be read. A folder that lies in one was named by a person."""
        relative = place[len(self._inside) :]
        return bool(relative) and not self._wanted.match_file(os.fsdecode(relative) + "/")


def innermost(roots: Sequence[Root], path: bytes) -> Root | None:
    """Return the root that a path belongs to: of nested roots, the deepest."""
    return max((root for root in roots if root.contains(path)), key=lambda root: len(root.path), default=None)


def admits(roots: Sequence[Root], path: bytes) -> bool:
    """Tell whether a file at this path counts in the root that the path belongs to."""
    root = innermost(roots, path)
    return root is not None and root.admits_file(path)
