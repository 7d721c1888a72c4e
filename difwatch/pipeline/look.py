"""What is at a path now."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from difwatch import paths
from difwatch.model.files import FileKey
from difwatch.tree.folding import Listing
from difwatch.tree.roots import Root


class Look:
    """Looks at paths, all at about the same moment; nothing is at a path that leads through a symbolic link.

    Nor is anything at a path that no directory lists, though the file system answers to it.

    Parameters
    ----------
    roots
        The watched folders, whose own paths are as a person named them.
    """

    def __init__(self, roots: Iterable[Root] = ()) -> None:
        self._is_real: dict[bytes, bool] = {}
        self._listing = Listing(root.path for root in roots)

    def __call__(self, path: bytes) -> FileKey | None:
        """Return the key of what is at a path; None for nothing, a directory or a symbolic link.

        Raises
        ------
        OSError
            Whether something is there is unknown.
        """
        try:
            stat_result = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        mode = stat_result.st_mode
        if stat.S_ISDIR(mode) or stat.S_ISLNK(mode) or not self._is_in_real_directory(path):
            return None
        if not self._listing.lists(path):
            return None
        return FileKey.of(stat_result)

    def is_empty(self, path: bytes) -> bool:
        """Tell whether certainly nothing that counts is at a path."""
        try:
            return self(path) is None
        except OSError:
            return False

    def _is_in_real_directory(self, path: bytes) -> bool:
        directory = paths.parent(path)
        if directory not in self._is_real:
            self._is_real[directory] = os.path.realpath(directory) == directory
        return self._is_real[directory]
