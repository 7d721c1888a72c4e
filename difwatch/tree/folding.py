"""Names that merely answer: some file systems find a file under names that no directory lists.

They ignore case (exFAT, vfat, SMB) or the form of accents (some NAS). After a file is renamed from ``IMG.jpg`` to
``img.jpg`` there, the old name still answers, and may even show another inode.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable

from difwatch import paths


def spellings(name: bytes) -> set[bytes]:
    """Return other names that a file system may take for this one."""
    text = paths.as_text(name)
    forms = (text.swapcase(), unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))
    return {paths.from_text(form) for form in forms} - {name}


class Listing:
    """Tells whether names are listed, all at about the same moment.

    A directory is read only if it answers to another spelling as well, and then once.

    Parameters
    ----------
    named
        Directories that a person named: how these are spelled does not matter.
    """

    def __init__(self, named: Iterable[bytes] = ()) -> None:
        self._keeps_case: set[bytes] = set()  # directories that do not answer to a name with its case swapped
        self._names: dict[bytes, frozenset[bytes] | None] = {}  # of those that do; None if they cannot be listed
        self._listed = {b"/", *named}

    def lists(self, path: bytes) -> bool:
        """Tell whether each directory on the way to a path at which something answers lists exactly these bytes."""
        return self._lists(path) and self._lists_all(paths.parent(path))

    def _lists_all(self, path: bytes) -> bool:
        if path not in self._listed:
            if not self._lists(path) or not self._lists_all(paths.parent(path)):
                return False
            self._listed.add(path)
        return True

    def _lists(self, path: bytes) -> bool:
        directory, name = paths.parent(path), paths.name(path)
        if directory in self._keeps_case and name.isascii():
            return True
        if directory not in self._names:
            if not any(os.path.lexists(paths.join(directory, spelling)) for spelling in spellings(name)):
                if name.swapcase() != name:
                    self._keeps_case.add(directory)
                return True
            self._names[directory] = _names(directory)
        names = self._names[directory]
        return names is None or name in names  # what cannot be listed cannot be told apart


def _names(directory: bytes) -> frozenset[bytes] | None:
    try:
        with os.scandir(directory) as entries:
            return frozenset(entry.name for entry in entries)
    except OSError:
        return None
