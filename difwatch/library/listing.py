"""The files in the given folders, and the folder that each belongs to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from difwatch import paths
from difwatch.extensions import is_image_name
from difwatch.model.files import FileKey, FileState
from difwatch.model.settings import Folder
from difwatch.tree.roots import Root, innermost
from difwatch.tree.scan import Blind, Directory, PassedOver, walk

UNSUPPORTED = "Unsupported file type"
_UNREADABLE_FOLDER = "this folder cannot be read"


@dataclass(frozen=True, slots=True)
class Listed:
    """A file to read: its real state, the path to show, and the folder (as given) that it belongs to."""

    state: FileState
    shown: str
    folder: str


@dataclass(slots=True)
class Listing:
    """Files to read, each once, and why others are not read."""

    files: list[Listed] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def list_files(given: Sequence[str], recursive: bool, limit_extensions: bool) -> Listing:
    """Walk the folders; a file in two of them belongs to the innermost.

    Parameters
    ----------
    given
        Folders or single files, which all exist.
    recursive
        Walk subfolders too.
    limit_extensions
        Skip files without the extension of a picture.
    """
    listing = Listing()
    shown = {os.fsencode(os.path.realpath(path)): os.path.normpath(path) for path in given}
    folders = [real for real in shown if Path(os.fsdecode(real)).is_dir()]
    roots = [Root(Folder(real, recursive, limit_extensions=False), is_image_name) for real in folders]
    for real, path in shown.items():
        if real not in folders:
            state = FileState(real, FileKey.of(os.lstat(real)))
            listing.files.append(Listed(state, path, str(Path(path).parent)))
    taken = {file.state.path for file in listing.files}
    everywhere = frozenset(root.path for root in roots)
    for root in roots:
        base = shown[root.path]
        for entry in walk(root, root.path, everywhere - {root.path}):
            if isinstance(entry, Directory | PassedOver):
                continue
            name = os.fsdecode(paths.join(os.fsencode(base), entry.path.removeprefix(paths.inside(root.path))))
            if isinstance(entry, Blind):
                if not entry.expected:
                    listing.skipped[name] = _UNREADABLE_FOLDER
            elif entry.path in taken or innermost(roots, entry.path) is not root:
                continue
            elif limit_extensions and not is_image_name(entry.path):
                listing.skipped[name] = UNSUPPORTED
            else:
                listing.files.append(Listed(entry, name, base))
    return listing
