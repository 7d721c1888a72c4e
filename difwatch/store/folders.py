"""The watched folders, and what is known of each as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, not_, select, update
from sqlalchemy.dialects.sqlite import insert

from difwatch import paths
from difwatch.model.settings import Folder
from difwatch.store.tables import content, file, folder


class FolderCounts(NamedTuple):
    """How many files a folder holds, how many of them are pictures, and how many cannot be read."""

    path: bytes
    files: int
    images: int
    unreadable: int
    scanned: str | None
    passed_over: Mapping[str, int]


def activate(connection: Connection, folders: Iterable[Folder]) -> dict[bytes, int]:
    """Put some folders in force; the rows of all others stay, but no longer count.

    Each known file belongs to the innermost folder that holds it.

    Returns
    -------
    dict
        Path to id.
    """
    connection.execute(update(folder).values(active=False))
    ids = {}
    for watched in folders:
        options = {key: value for key, value in asdict(watched).items() if key != "path"}
        statement = insert(folder).values(path=watched.path, options=options, active=True)
        statement = statement.on_conflict_do_update(
            index_elements=["path"], set_={"options": options, "active": True}
        )
        connection.execute(statement)
        ids[watched.path] = connection.execute(select(folder.c.id).where(folder.c.path == watched.path)).scalar_one()
    for path, id_ in ids.items():
        inner = [other for other in ids if paths.is_below(other, path)]
        mine = and_(_below(path), *(not_(_below(other)) for other in inner), file.c.folder_id != id_)
        connection.execute(update(file).where(mine).values(folder_id=id_))
    return ids


def _below(path: bytes) -> ColumnElement[bool]:
    first, end = paths.range_below(path)
    return and_(file.c.path > first, file.c.path < end)


def in_force(connection: Connection) -> dict[int, Folder]:
    """Return the active folders by id."""
    rows = connection.execute(select(folder.c.id, folder.c.path, folder.c.options).where(folder.c.active))
    return {row.id: _folder(row.path, row.options) for row in rows}


def _folder(path: bytes, options: dict[str, object]) -> Folder:
    made = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    return Folder(path, **made)  # type: ignore[arg-type]


def scanned(
    connection: Connection,
    folder_id: int,
    moment: datetime,
    identity: Sequence[int] | None,
    passed_over: Mapping[str, int],
) -> None:
    """Record when a complete scan of a folder ended, and what it passed over.

    ``identity`` tells which directory it was; None keeps the recorded one. A release holds for one scan.
    """
    values: dict[str, object] = {"scanned": moment.isoformat(), "released": None, "passed_over": dict(passed_over)}
    if identity is not None:
        values["identity"] = list(identity)
    connection.execute(update(folder).where(folder.c.id == folder_id).values(values))


def passed_over(connection: Connection, folder_id: int) -> dict[str, int]:
    """Return the pictures and videos that the last complete scan passed over because of their extension."""
    return connection.execute(select(folder.c.passed_over).where(folder.c.id == folder_id)).scalar() or {}


def identities(connection: Connection) -> dict[bytes, tuple[int, ...]]:
    """Return by path which directory each folder was at its last complete scan."""
    rows = connection.execute(select(folder.c.path, folder.c.identity).where(folder.c.identity.is_not(None)))
    return {row.path: tuple(row.identity) for row in rows}


def release(connection: Connection, path: bytes, moment: datetime) -> bool:
    """Record that a person said that missing files of a folder are gone; tell whether the folder is watched."""
    statement = update(folder).where(folder.c.path == path, folder.c.active).values(released=moment.isoformat())
    return bool(connection.execute(statement).rowcount)


def is_released(connection: Connection, folder_id: int) -> bool:
    """Tell whether a person released a folder since its last complete scan."""
    return connection.execute(select(folder.c.released).where(folder.c.id == folder_id)).scalar() is not None


def counts(connection: Connection) -> list[FolderCounts]:
    """Count the files of the active folders."""
    readable = func.count(content.c.tensor_id)
    statement = (
        select(folder.c.path, func.count(file.c.id), readable, folder.c.scanned, folder.c.passed_over)
        .select_from(folder.outerjoin(file, file.c.folder_id == folder.c.id).outerjoin(content))
        .where(folder.c.active)
        .group_by(folder.c.id)
        .order_by(folder.c.path)
    )
    return [
        FolderCounts(path, files, images, files - images, when, over or {})
        for path, files, images, when, over in connection.execute(statement)
    ]
