"""Files as pictures: hard links joined, each picture with its scope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, select

from difwatch import paths
from difwatch.model.files import FileKey
from difwatch.model.pictures import Facts, Image
from difwatch.model.settings import Folder
from difwatch.store.engine import driver_cursor
from difwatch.store.tables import content, file

_PAGE = 10_000  # SQLite accepts about 32 000 values in a statement


def images(
    connection: Connection,
    folders: Mapping[int, Folder],
    limits: Mapping[int, int],
    recipe_id: int,
    file_ids: Sequence[int] | None = None,
) -> Iterator[Image]:
    """Yield the readable pictures of some folders, by path; ``limits`` holds the largest SSE of each folder.

    Hard links to one file are one picture, under the first of its names. ``file_ids`` restricts the pictures
    to those of some files.
    """
    names: dict[tuple[bytes | None, int, int, bytes], list[Any]] = {}
    for row in _rows(connection, list(folders), recipe_id, file_ids):
        scope = _scope(folders[row.folder_id], row.path)
        names.setdefault((scope, row.dev, row.inode, row.digest), []).append(row)
    for (scope, *_), rows in names.items():
        yield _image(rows, scope, folders, limits)


def _rows(
    connection: Connection, folder_ids: Sequence[int], recipe_id: int, file_ids: Sequence[int] | None
) -> Iterable[Any]:
    """Return one row for each name of a readable picture, by path."""
    statement = (
        select(
            file.c.path, file.c.folder_id, file.c.size, file.c.mtime_ns, file.c.ctime_ns, file.c.dev, file.c.inode,
            content.c.tensor_id, content.c.digest, content.c.width, content.c.height, content.c.bytes, file.c.seen,
            content.c.frames, *(content.c[name] for name in Facts.__slots__),
        )
        .join_from(file, content)
        .where(file.c.folder_id.in_(folder_ids), content.c.recipe_id == recipe_id)
        .where(content.c.tensor_id.is_not(None))
        .order_by(file.c.path)
    )  # fmt: skip
    if file_ids is None:
        return connection.execute(statement)
    pages = [file_ids[start : start + _PAGE] for start in range(0, len(file_ids), _PAGE)]
    rows = chain.from_iterable(connection.execute(statement.where(file.c.id.in_(page))) for page in pages)
    return rows if len(pages) == 1 else sorted(rows, key=lambda row: row.path)


def _image(
    rows: Sequence[Any], scope: bytes | None, folders: Mapping[int, Folder], limits: Mapping[int, int]
) -> Image:
    """Return a picture from the rows of its names, the first of which it goes by."""
    first, *links = rows
    return Image(
        path=first.path,
        tensor=first.tensor_id,
        digest=first.digest,
        width=first.width,
        height=first.height,
        frames=first.frames,
        facts=Facts(*(getattr(first, name) for name in Facts.__slots__)),
        position=folders[first.folder_id].position,
        size=first.bytes,
        mtime_ns=first.mtime_ns,
        reference=any(folders[row.folder_id].role == "reference" for row in rows),
        scope=scope,
        seen=None if first.seen is None else datetime.fromisoformat(first.seen),
        limit=limits[first.folder_id],
        links=tuple(link.path for link in links),
        key=FileKey(first.size, first.mtime_ns, first.ctime_ns, first.dev, first.inode),
    )


def _scope(folder: Folder, path: bytes) -> bytes | None:
    """Return the scope of a picture; None is the union of all folders that have no scope of their own."""
    if folder.in_folder == "every":
        return paths.parent(path)
    return folder.path if folder.in_folder else None


def files_with_tensors(connection: Connection, wanted: Sequence[bytes]) -> list[tuple[int, int]]:
    """Return (file id, tensor id) of the readable files at some paths."""
    cursor = driver_cursor(connection)
    found = (cursor.execute(_FILE_WITH_TENSOR, (path,)).fetchone() for path in wanted)
    return [row for row in found if row is not None]


_FILE_WITH_TENSOR = (
    "SELECT file.id, tensor_id FROM file JOIN content ON file.content_id = content.id "
    "WHERE path = ? AND tensor_id IS NOT NULL"
)


def shared_tensors(connection: Connection, tensor_ids: Sequence[int]) -> set[int]:
    """Return those of some tensors that several files have."""
    cursor = driver_cursor(connection)
    return {id_ for id_ in tensor_ids if len(cursor.execute(_FILES_LIKE.format(""), (id_, 2)).fetchall()) > 1}


def files_like(connection: Connection, tensor_id: int, sizes: tuple[int, int] | None, at_most: int) -> list[int]:
    """Return up to ``at_most`` ids of files of a tensor; with sizes, only of pictures of these in either order."""
    cursor = driver_cursor(connection)
    if sizes is None:
        return [id_ for (id_,) in cursor.execute(_FILES_LIKE.format(""), (tensor_id, at_most))]
    ids: list[int] = []
    for width, height in {sizes, sizes[::-1]}:
        values = (tensor_id, width, height, at_most - len(ids))
        ids += [id_ for (id_,) in cursor.execute(_FILES_LIKE.format("AND width = ? AND height = ?"), values)]
    return ids


_FILES_LIKE = (
    "SELECT file.id FROM content JOIN file ON file.content_id = content.id WHERE content.tensor_id = ? {} LIMIT ?"
)
