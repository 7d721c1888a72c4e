"""The matches between distinct tensors, and the pictures they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import Connection, delete, func, select

from difwatch.model import FileKey, Folder, Image
from difwatch.search.hits import BEYOND, Hits
from difwatch.store.engine import driver_cursor
from difwatch.store.tables import content, file, match, tensor

_PAGE = 10_000  # SQLite takes about 32 000 values in a statement
_COLUMNS = ("a", "b", "sse", "rotation", "rotation_back", "sse_upright")
# Rows by the million: the driver takes them as they are.
_INSERT = f"INSERT INTO {{}} ({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?, nullif(?, {BEYOND}))"


def put(connection: Connection, found: Iterable[Hits], table: str = "match") -> int:
    """Keep hits, in the matches or in another table of the same columns; gives how many."""
    total = 0
    for hits in found:
        total += len(hits)
        if len(hits):
            connection.exec_driver_sql(_INSERT.format(table), hits[list(_COLUMNS)].tolist())
    return total


def clear(connection: Connection, recipe_id: int) -> None:
    """Forget all matches of a recipe."""
    connection.execute(delete(match).where(match.c.a.in_(select(tensor.c.id).where(tensor.c.recipe_id == recipe_id))))


def count(connection: Connection) -> int:
    """How many matches are kept."""
    return connection.execute(select(func.count()).select_from(match)).scalar_one()


def nth_distance(connection: Connection, recipe_id: int, place: int) -> int:
    """The SSE at a place (from 0) when the matches of a recipe stand in order; there must be as many."""
    ours = select(match.c.sse).join(tensor, tensor.c.id == match.c.a).where(tensor.c.recipe_id == recipe_id)
    distance: int = connection.execute(ours.order_by(match.c.sse).offset(place).limit(1)).scalar_one()
    return distance


def forget_beyond(connection: Connection, recipe_id: int, limit: int) -> None:
    """Forget the matches of a recipe with a larger SSE than the limit."""
    ours = select(tensor.c.id).where(tensor.c.recipe_id == recipe_id)
    connection.execute(delete(match).where(match.c.sse > limit, match.c.a.in_(ours)))


def within(
    connection: Connection, recipe_id: int, limit: int, rotate: bool
) -> Iterator[tuple[int, int, int, int, int]]:
    """The matches of a recipe up to a limit: (a, b, SSE, rotation, rotation back).

    Without ``rotate``, the distance is the upright one and both rotations are 0. A pair within the limit
    upright is within it at its best turn, so what is kept answers both questions.
    """
    distance = match.c.sse if rotate else match.c.sse_upright
    statement = (
        select(match.c.a, match.c.b, distance, match.c.rotation, match.c.rotation_back)
        .join(tensor, tensor.c.id == match.c.a)
        .where(tensor.c.recipe_id == recipe_id, distance <= limit)
    )
    for a, b, sse, rotation, back in connection.execute(statement):
        yield (a, b, sse, rotation, back) if rotate else (a, b, sse, 0, 0)


def rows_within(connection: Connection, recipe_id: int, limit: int) -> Iterator[tuple[int, int, int, int, int, int]]:
    """The matches of a recipe up to a limit, as the fields of `difwatch.search.hits.HIT`."""
    statement = (
        select(*(func.ifnull(match.c[name], BEYOND) for name in _COLUMNS))
        .join(tensor, tensor.c.id == match.c.a)
        .where(tensor.c.recipe_id == recipe_id, match.c.sse <= limit)
    )
    for row in connection.execute(statement):
        yield tuple(row)


def neighbours(
    connection: Connection, tensor_ids: Sequence[int], limit: int, rotate: bool
) -> list[tuple[int, int, int, int]]:
    """The matches of some tensors up to a limit: (tensor, other, SSE, degrees that turn the other onto it)."""
    distance = match.c.sse if rotate else match.c.sse_upright
    columns = select(match.c.a, match.c.b, distance, match.c.rotation, match.c.rotation_back).where(distance <= limit)
    found: list[tuple[int, int, int, int]] = []
    for start in range(0, len(tensor_ids), _PAGE):
        page = tensor_ids[start : start + _PAGE]
        for a, b, sse, rotation, _ in connection.execute(columns.where(match.c.a.in_(page))):
            found.append((a, b, sse, rotation if rotate else 0))
        for a, b, sse, _, back in connection.execute(columns.where(match.c.b.in_(page))):
            found.append((b, a, sse, back if rotate else 0))
    return found


def images(
    connection: Connection,
    folders: Mapping[int, Folder],
    limits: Mapping[int, int],
    recipe_id: int,
    file_ids: Sequence[int] | None = None,
) -> Iterator[Image]:
    """The readable pictures of some folders, by path; ``limits`` gives the largest SSE of each folder.

    Hard links to one file are one picture, under the first of its names. ``file_ids`` restricts the pictures
    to those of some files.
    """
    statement = (
        select(
            file.c.path, file.c.folder_id, file.c.size, file.c.mtime_ns, file.c.ctime_ns, file.c.dev, file.c.inode,
            content.c.tensor_id, content.c.digest, content.c.width, content.c.height, content.c.bytes, file.c.seen,
        )
        .join_from(file, content)
        .where(file.c.folder_id.in_(list(folders)), content.c.recipe_id == recipe_id)
        .where(content.c.tensor_id.is_not(None))
        .order_by(file.c.path)
    )  # fmt: skip
    names: dict[tuple[bytes | None, int, int, bytes], list[Any]] = {}
    pages = (
        [statement]
        if file_ids is None
        else [
            statement.where(file.c.id.in_(file_ids[start : start + _PAGE]))
            for start in range(0, len(file_ids), _PAGE)
        ]
    )
    for row in chain.from_iterable(connection.execute(page) for page in pages):
        scope = _scope(folders[row.folder_id], row.path)
        names.setdefault((scope, row.dev, row.inode, row.digest), []).append(row)
    for (scope, *_), (row, *links) in names.items():
        yield Image(
            path=row.path,
            tensor=row.tensor_id,
            digest=row.digest,
            width=row.width,
            height=row.height,
            size=row.bytes,
            mtime_ns=row.mtime_ns,
            reference=any(folders[one.folder_id].role == "reference" for one in (row, *links)),
            scope=scope,
            seen=row.seen,
            limit=limits[row.folder_id],
            links=tuple(one.path for one in links),
            key=FileKey(row.size, row.mtime_ns, row.ctime_ns, row.dev, row.inode),
        )


def _scope(folder: Folder, path: bytes) -> bytes | None:
    """What a picture is compared within: None is the union of all folders that are not apart."""
    if folder.in_folder == "every":
        return path.rpartition(b"/")[0]
    return folder.path if folder.in_folder else None


def files_with_tensors(connection: Connection, paths: Sequence[bytes]) -> list[tuple[int, int]]:
    """The readable ones of some files: (file id, tensor id)."""
    statement = select(file.c.id, content.c.tensor_id).join_from(file, content)
    found: list[tuple[int, int]] = []
    for start in range(0, len(paths), _PAGE):
        page = file.c.path.in_(paths[start : start + _PAGE])
        rows = connection.execute(statement.where(page, content.c.tensor_id.is_not(None)))
        found += [(file_id, tensor_id) for file_id, tensor_id in rows]
    return found


def files_like(connection: Connection, tensor_id: int, sizes: tuple[int, int] | None, at_most: int) -> list[int]:
    """Ids of the files of a tensor, only of pictures with these sizes in either order if given, and only so many."""
    cursor = driver_cursor(connection)
    if sizes is None:
        return [id_ for (id_,) in cursor.execute(_FILES_LIKE.format(""), (tensor_id, at_most))]
    found: list[int] = []
    for width, height in {sizes, sizes[::-1]}:
        values = (tensor_id, width, height, at_most - len(found))
        found += [id_ for (id_,) in cursor.execute(_FILES_LIKE.format("AND width = ? AND height = ?"), values)]
    return found


_FILES_LIKE = (
    "SELECT file.id FROM content JOIN file ON file.content_id = content.id WHERE content.tensor_id = ? {} LIMIT ?"
)
