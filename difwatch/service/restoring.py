"""Pictures that were put back, taken into the store again where no daemon sees them come."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from difwatch.actions.check import digest_of_file
from difwatch.extensions import is_watched_name
from difwatch.model.files import FileKey, FileState
from difwatch.store import contents, destinations, files, folders
from difwatch.tree.roots import Root, innermost


def restore(connection: Connection, put_back: Iterable[tuple[bytes, bytes]], now: datetime) -> int:
    """Take files in whose contents are still known; return how many.

    Parameters
    ----------
    put_back
        Paths, and the digests of the bytes that were put there. Each file is read once more.
    """
    ids = {folder.path: id_ for id_, folder in folders.in_force(connection).items()}
    excluded = destinations.all_of(connection)
    roots = [Root(folder, is_watched_name, excluded) for folder in folders.in_force(connection).values()]
    rows: list[tuple[FileState, int, None]] = []
    folder_ids = {}
    for path, digest in put_back:
        root, content_id = innermost(roots, path), contents.id_of(connection, digest)
        if root is None or content_id is None or not root.admits_file(path):
            continue
        if (key := _key_of(path, digest)) is not None:
            rows.append((FileState(path, key), content_id, None))
            folder_ids[path] = ids[root.path]
    files.put(connection, folder_ids, rows, now)
    return len(rows)


def _key_of(path: bytes, digest: bytes) -> FileKey | None:
    """Return the state of a file, None if its bytes are others or change meanwhile."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            before = FileKey.of(os.fstat(descriptor))
            if digest_of_file(descriptor) == digest and FileKey.of(os.lstat(path)) == before:
                return before
        finally:
            os.close(descriptor)
    return None
