"""The directories that pictures were ever moved to, and the file system that each was on then.

Destinations are never searched, wherever they lie.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from difwatch import paths
from difwatch.model.files import signed
from difwatch.store import folders, settings

_KEY = "destinations"


def all_of(connection: Connection) -> dict[bytes, int]:
    """Return the id of the file system of each destination."""
    kept = settings.get(connection, _KEY)
    return {paths.from_text(path): fsid for path, fsid in kept.items()} if isinstance(kept, dict) else {}


def add(connection: Connection, path: bytes) -> None:
    """Remember a destination and the file system it is on now."""
    known = all_of(connection) | {path: _fsid(path)}
    settings.put(connection, _KEY, {paths.as_text(known_path): fsid for known_path, fsid in known.items()})


def recall(connection: Connection, moved_to: Iterable[bytes], watched: Sequence[bytes]) -> None:
    """Remember the directories of a journal in a new store, except those that are or hold a watched folder."""
    if settings.get(connection, _KEY) is not None:
        return
    known: tuple[bytes, ...] = ()
    for path in sorted(moved_to):
        if not paths.inside(path).startswith(known) and not any(paths.is_within(folder, path) for folder in watched):
            known = (*known, paths.inside(path))
            add(connection, path)


def trouble(connection: Connection, path: bytes, elsewhere: bool = False) -> str | None:
    """Return why nothing must be moved to a directory now, in words; None if it is allowed.

    ``elsewhere`` allows that it is on another file system than it was.
    """
    fsid = all_of(connection).get(path)
    if not elsewhere and fsid is not None and fsid != _fsid(path):
        return f"{os.fsdecode(path)}: is on another file system than it was (is its disk mounted?)"
    for folder in folders.in_force(connection).values():
        if paths.is_within(folder.path, path):
            return f"{os.fsdecode(path)}: holds the watched folder {os.fsdecode(folder.path)}; choose another place"
    return None


def _fsid(path: bytes) -> int:
    return signed(os.statvfs(paths.nearest(path)).f_fsid)
