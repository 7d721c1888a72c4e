"""Files: which path holds which content, and the state in which it was read."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    bindparam,
    case,
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from difwatch import paths
from difwatch.model.files import FileKey, FileState
from difwatch.store.engine import driver_cursor, driver_text, reading
from difwatch.store.tables import content, file, folder

_PAGE = 1000


class KnownFile(NamedTuple):
    """A row of the store: a path, its state when it was read, and the digest and recipe of its content.

    ``digest`` and ``recipe_id`` are None where not even the bytes could be read.
    """

    id: int
    path: bytes
    key: FileKey
    digest: bytes | None
    recipe_id: int | None


def _selection() -> Select[Any]:
    columns = (
        file.c.id, file.c.path, file.c.size, file.c.mtime_ns, file.c.ctime_ns, file.c.dev, file.c.inode,
        content.c.digest, content.c.recipe_id,
    )  # fmt: skip
    return select(*columns).select_from(file.outerjoin(content))


def _known(row: Row[Any]) -> KnownFile:
    key = FileKey(row.size, row.mtime_ns, row.ctime_ns, row.dev, row.inode)
    return KnownFile(row.id, row.path, key, row.digest, row.recipe_id)


def at_paths(connection: Connection, wanted: Sequence[bytes]) -> dict[bytes, KnownFile]:
    """Return what is known of some paths."""
    rows = connection.execute(_selection().where(file.c.path.in_(wanted)))
    return {row.path: _known(row) for row in rows}


def with_inodes(connection: Connection, inodes: Sequence[int]) -> list[KnownFile]:
    """Return the known files that had one of some inodes when they were read."""
    return [_known(row) for row in connection.execute(_selection().where(file.c.inode.in_(inodes)))]


def below(engine: Engine, path: bytes) -> Iterator[KnownFile]:
    """Yield the known files below a directory, in the byte order of their paths.

    Each page is read in a transaction of its own, so a long walk holds neither the store nor much memory.
    """
    last, end = paths.range_below(path)
    while True:
        page = _selection().where(file.c.path > last, file.c.path < end).order_by(file.c.path).limit(_PAGE)
        with reading(engine) as connection:
            rows = connection.execute(page).all()
        yield from map(_known, rows)
        if len(rows) < _PAGE:
            return
        last = rows[-1].path


_old = file.alias()
_SEEN_BEFORE = (
    select(func.min(_old.c.seen))
    .where(_old.c.inode == bindparam("inode"), _old.c.dev == bindparam("dev"))
    .where(_old.c.content_id == bindparam("content_id"))
    .scalar_subquery()
)


def put(
    connection: Connection,
    folder_ids: Mapping[bytes, int],
    states: Iterable[tuple[FileState, int | None, str | None]],
    moment: datetime,
) -> None:
    """Keep files: (state, content id, reason), where either the content or the reason is None.

    ``folder_ids`` maps each path to its folder. A file that was renamed, or rewritten with the same content, keeps
    the moment it was first seen.
    """
    rows = [
        {
            "path": state.path,
            "folder_id": folder_ids[state.path],
            "size": state.key.size,
            "mtime_ns": state.key.mtime_ns,
            "ctime_ns": state.key.ctime_ns,
            "dev": state.key.dev,
            "inode": state.key.inode,
            "content_id": content_id,
            "reason": reason,
            "now": moment.isoformat(),
        }
        for state, content_id, reason in states
        if state.key is not None
    ]
    if rows:
        driver_cursor(connection).executemany(_put(), rows)


@functools.cache
def _put() -> str:
    names = ("path", "folder_id", *FileKey.__slots__, "content_id", "reason")
    columns: dict[str, ColumnElement[Any]] = {name: bindparam(name) for name in names}
    statement = insert(file).values({**columns, "seen": func.coalesce(_SEEN_BEFORE, bindparam("now"))})
    new = statement.excluded
    changed: dict[str, ColumnElement[Any]] = {name: new[name] for name in columns if name != "path"}
    changed["seen"] = case((file.c.content_id == new.content_id, file.c.seen), else_=new.seen)
    return driver_text(statement.on_conflict_do_update(index_elements=["path"], set_=changed))


def renumber(connection: Connection, states: Sequence[FileState]) -> None:
    """Keep the new numbers of files that are as they were: device, inode, and the time of their last change."""
    rows = [
        {"at": state.path, "dev": state.key.dev, "inode": state.key.inode, "ctime_ns": state.key.ctime_ns}
        for state in states
        if state.key is not None
    ]
    if rows:
        connection.execute(update(file).where(file.c.path == bindparam("at")), rows)


def remove(connection: Connection, gone: Sequence[bytes]) -> int:
    """Forget files that are gone; return how many were known. Contents stay until `contents.purge`."""
    pages = (gone[start : start + _PAGE] for start in range(0, len(gone), _PAGE))
    return sum(connection.execute(delete(file).where(file.c.path.in_(page))).rowcount for page in pages)


def retry(connection: Connection, named: Sequence[bytes] | None) -> list[bytes]:
    """Forget named files without a tensor, so that they are read again; None names all of them.

    Copies of the same bytes are forgotten as well. Return the paths of all forgotten files.
    """
    wanted = [path for path, _ in unreadable(connection)] if named is None else list(named)
    forgotten: set[bytes] = set()
    for start in range(0, len(wanted), _PAGE):
        on_page = file.c.path.in_(wanted[start : start + _PAGE])
        without = select(file.c.path).outerjoin(content).where(on_page, content.c.tensor_id.is_(None))
        forgotten |= set(connection.execute(without).scalars())
        twins = select(file.c.content_id).where(on_page, file.c.content_id.is_not(None))
        copies = select(file.c.path).join(content).where(content.c.tensor_id.is_(None), file.c.content_id.in_(twins))
        forgotten |= set(connection.execute(copies).scalars())
    remove(connection, sorted(forgotten))
    unused = ~exists().where(file.c.content_id == content.c.id)
    connection.execute(delete(content).where(content.c.tensor_id.is_(None), unused))
    return sorted(forgotten)


def last_seen(connection: Connection) -> str | None:
    """Return when the last new picture was first seen, in ISO 8601; None before there is one."""
    seen: str | None = connection.execute(select(func.max(file.c.seen))).scalar_one()
    return seen


def unreadable(connection: Connection) -> list[tuple[bytes, str]]:
    """Return the files of the active folders without a tensor, and why, by path."""
    statement = (
        select(file.c.path, file.c.reason, content.c.reason.label("why"))
        .select_from(file.join(folder).outerjoin(content))
        .where(folder.c.active, content.c.tensor_id.is_(None))
        .order_by(file.c.path)
    )
    return [(row.path, row.reason or row.why) for row in connection.execute(statement)]
