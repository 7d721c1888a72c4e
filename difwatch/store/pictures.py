"""Files as pictures: hard links joined, each picture with its scope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from difwatch import paths
from difwatch.model.files import FileKey
from difwatch.model.pictures import RAW, Facts, Image
from difwatch.model.settings import Folder
from difwatch.store.engine import driver_cursor
from difwatch.store.tables import content, file

_PAGE = 10_000  # ids in a statement


class PictureRow(NamedTuple):
    """One name of a readable picture; from ``format`` on its `difwatch.model.pictures.Facts`."""

    id: int
    path: bytes
    folder_id: int
    size: int
    mtime_ns: int
    ctime_ns: int
    dev: int
    inode: int
    tensor_id: int
    content_id: int
    digest: bytes
    width: int
    height: int
    content_bytes: int
    seen: str | None
    frames: int
    format: str
    bits: int
    camera: str | None
    lens: str | None
    taken: str | None
    has_place: int
    orientation: int
    quality: int | None


class ColumnRow(NamedTuple):
    """One name of a readable picture, as far as it counts for groups.

    ``original`` is lower the more it looks like an original, and ``raw`` is 1 for the raw file of a camera.
    """

    id: int
    path: bytes
    folder_id: int
    mtime_ns: int
    dev: int
    inode: int
    tensor_id: int
    content_id: int
    width: int
    height: int
    content_bytes: int
    seen: str | None
    taken: str | None
    original: int
    raw: int


_ROWS = (
    "SELECT file.id, path, folder_id, size, mtime_ns, ctime_ns, dev, inode, tensor_id, content.id, digest, width,"
    " height, bytes, seen, frames, format, bits, camera, lens, taken, has_place, orientation, quality"
    " FROM file JOIN content ON file.content_id = content.id"
    " WHERE recipe_id = ? AND tensor_id IS NOT NULL AND folder_id IN ({folders}) {more} ORDER BY path"
)
# What is not needed is not made an object of: that takes most of the time.
_COLUMN_ROWS = (
    "SELECT file.id, path, folder_id, mtime_ns, dev, inode, tensor_id, content.id, width, height, bytes, seen, taken,"
    " (format = 'GIF') - (ifnull(camera, '') <> '') - (ifnull(taken, '') <> ''), format = '{raw}'"
    " FROM file JOIN content ON file.content_id = content.id"
    " WHERE recipe_id = ? AND tensor_id IS NOT NULL AND folder_id IN ({folders}) {more} ORDER BY path"
)
# Of a tensor with a match, or with several files.
_MAY_MATCH = (
    "AND tensor_id IN (SELECT a FROM match UNION SELECT b FROM match UNION SELECT tensor_id FROM content"
    " JOIN file ON file.content_id = content.id GROUP BY tensor_id HAVING count(*) > 1)"
)


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
    rows = _rows(connection, list(folders), recipe_id, file_ids)
    return (image for _, image in _images(rows, folders, limits))


def images_that_may_match(
    connection: Connection, folders: Mapping[int, Folder], limits: Mapping[int, int], recipe_id: int
) -> Iterator[Image]:
    """Yield the pictures with a match, or whose tensor several files have, by path."""
    text = _ROWS.format(folders=_listed(folders), more=_MAY_MATCH)
    rows = map(PictureRow._make, driver_cursor(connection).execute(text, (recipe_id,)))
    return (image for _, image in _images(rows, folders, limits))


def images_by_id(
    connection: Connection,
    folders: Mapping[int, Folder],
    limits: Mapping[int, int],
    recipe_id: int,
    file_ids: Sequence[int],
) -> dict[int, Image]:
    """Return the pictures of some files, by the id of the first of their names."""
    return dict(_images(_rows(connection, list(folders), recipe_id, file_ids), folders, limits))


def columns_that_may_match(connection: Connection, folder_ids: Sequence[int], recipe_id: int) -> Iterator[ColumnRow]:
    """Yield one row for each name of a picture with a match, or whose tensor several files have, by path."""
    text = _COLUMN_ROWS.format(folders=_listed(folder_ids), more=_MAY_MATCH, raw=RAW)
    return map(ColumnRow._make, driver_cursor(connection).execute(text, (recipe_id,)))


def count(connection: Connection, folders: Mapping[int, Folder], recipe_id: int, below: bytes | None) -> int:
    """Return the number of readable pictures in some folders, or below a directory in them.

    Hard links to one file are one picture, in each scope.
    """
    what = (file.c.dev, file.c.inode, file.c.content_id)
    names = (
        select(*what)
        .join_from(file, content)
        .where(file.c.folder_id.in_(folders), content.c.recipe_id == recipe_id, content.c.tensor_id.is_not(None))
    )
    if below is not None:
        last, end = paths.range_below(below)
        names = names.where(file.c.path > last, file.c.path < end)
    if not any(folder.in_folder for folder in folders.values()):
        statement = select(func.count()).select_from(names.distinct().subquery())
        return connection.execute(statement).scalar_one()
    rows = connection.execute(names.add_columns(file.c.folder_id, file.c.path))
    return len({(*names, scope_of(folders[folder_id], path)) for *names, folder_id, path in rows})


def _listed(ids: Iterable[int]) -> str:
    return ",".join(map(str, ids))


def _rows(
    connection: Connection, folder_ids: Sequence[int], recipe_id: int, file_ids: Sequence[int] | None
) -> Iterable[PictureRow]:
    """Return one row for each name of a readable picture, by path."""
    cursor = driver_cursor(connection)
    folders = _listed(folder_ids)
    if file_ids is None:
        return map(PictureRow._make, cursor.execute(_ROWS.format(folders=folders, more=""), (recipe_id,)))
    rows: list[PictureRow] = []
    for start in range(0, len(file_ids), _PAGE):
        more = f"AND file.id IN ({_listed(file_ids[start : start + _PAGE])})"
        rows += map(PictureRow._make, cursor.execute(_ROWS.format(folders=folders, more=more), (recipe_id,)))
    return sorted(rows, key=lambda row: row.path)


def _images(
    rows: Iterable[PictureRow], folders: Mapping[int, Folder], limits: Mapping[int, int]
) -> Iterator[tuple[int, Image]]:
    """Yield pictures with the id of the first of their names."""
    names: dict[tuple[bytes | None, int, int, int], list[PictureRow]] = {}
    for row in rows:
        scope = scope_of(folders[row.folder_id], row.path)
        names.setdefault((scope, row.dev, row.inode, row.content_id), []).append(row)
    for (scope, *_), of_one in names.items():
        yield of_one[0].id, _image(of_one, scope, folders, limits)


def _image(
    rows: Sequence[PictureRow], scope: bytes | None, folders: Mapping[int, Folder], limits: Mapping[int, int]
) -> Image:
    """Return a picture from the rows of its names, the first of which it goes by."""
    one, *links = rows
    folder = folders[one.folder_id]
    return Image(
        path=one.path,
        tensor=one.tensor_id,
        digest=one.digest,
        width=one.width,
        height=one.height,
        frames=one.frames,
        facts=_facts(one),
        position=folder.position,
        size=one.content_bytes,
        mtime_ns=one.mtime_ns,
        reference=folder.role == "reference" or any(folders[row.folder_id].role == "reference" for row in links),
        scope=scope,
        seen=None if one.seen is None else datetime.fromisoformat(one.seen),
        limit=limits[one.folder_id],
        links=tuple([link.path for link in links]),
        key=FileKey(one.size, one.mtime_ns, one.ctime_ns, one.dev, one.inode),
    )


def _facts(row: PictureRow) -> Facts:
    place = bool(row.has_place)
    return Facts(row.format, row.bits, row.camera, row.lens, row.taken, place, row.orientation, row.quality)


def scope_of(folder: Folder, path: bytes) -> bytes | None:
    """Return the scope of a picture; None is the union of all folders that have no scope of their own."""
    if folder.in_folder == "every":
        return paths.parent(path)
    return folder.path if folder.in_folder else None


def files_named(connection: Connection, text: str) -> Iterator[int]:
    """Yield the ids of the files with a text in their path, camera or lens; the case of ASCII letters is ignored."""
    pattern = "%" + text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    rows = driver_cursor(connection).execute(_NAMED, {"pattern": pattern})
    return (id_ for (id_,) in rows)


_NAMED = (
    "SELECT file.id FROM file JOIN content ON file.content_id = content.id"
    r" WHERE CAST(path AS TEXT) LIKE :pattern ESCAPE '\' OR camera LIKE :pattern ESCAPE '\'"
    r" OR lens LIKE :pattern ESCAPE '\'"
)


def newest_files(connection: Connection, count: int) -> list[bytes]:
    """Return the paths of the files that were found last."""
    rows = driver_cursor(connection).execute("SELECT path FROM file ORDER BY id DESC LIMIT ?", (count,))
    return [path for (path,) in rows]


def files_with_tensors(connection: Connection, wanted: Sequence[bytes]) -> list[tuple[int, int]]:
    """Return (file id, tensor id) of the readable files at some paths."""
    cursor = driver_cursor(connection)
    found = (cursor.execute(_FILE_WITH_TENSOR, (path,)).fetchone() for path in wanted)
    return [row for row in found if row is not None]


def file_ids(connection: Connection, wanted: Sequence[bytes]) -> dict[bytes, int]:
    """Return the ids of the files at some paths."""
    cursor = driver_cursor(connection)
    found = ((path, cursor.execute("SELECT id FROM file WHERE path = ?", (path,)).fetchone()) for path in wanted)
    return {path: row[0] for path, row in found if row is not None}


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
