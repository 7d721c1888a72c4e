"""What is at a path now."""

from __future__ import annotations

import os
import stat

from difwatch import paths
from difwatch.model.files import FileKey


class Look:
    """Looks at paths, all of them at about the same moment; what is reached through a link is not there."""

    def __init__(self) -> None:
        self._is_real: dict[bytes, bool] = {}

    def __call__(self, path: bytes) -> FileKey | None:
        """Return the key of what is at a path; None for nothing, a directory or a symbolic link.

        Raises
        ------
        OSError
            It cannot be told whether something is there.
        """
        try:
            stat_result = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        mode = stat_result.st_mode
        if stat.S_ISDIR(mode) or stat.S_ISLNK(mode) or not self._is_in_real_directory(path):
            return None
        return FileKey.of(stat_result)

    def is_empty(self, path: bytes) -> bool:
        """Tell whether surely nothing that counts is at a path."""
        try:
            return self(path) is None
        except OSError:
            return False

    def _is_in_real_directory(self, path: bytes) -> bool:
        directory = paths.parent(path)
        if directory not in self._is_real:
            self._is_real[directory] = os.path.realpath(directory) == directory
        return self._is_real[directory]
