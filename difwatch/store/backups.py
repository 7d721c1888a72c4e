"""Daily copies of the store, and recovery when the store itself is damaged."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import Engine

from difwatch.errors import StoreError, StoreForeignError
from difwatch.store.engine import APPLICATION_ID, open_writer
from difwatch.store.schema import backup

log = logging.getLogger(__name__)

KEPT = 3
_FOLDER = "backups"
_ROOM_LEFT = 256 << 20  # bytes that stay free


def newest(path: Path) -> Path | None:
    """Return the last copy of a store, or None."""
    return max(_copies(path), default=None)


def back_up(path: Path, day: date, anew: bool = False) -> str | None:
    """Copy the store and delete the oldest copies; return what prevented that, or None.

    Parameters
    ----------
    path
        The store, which may be written to meanwhile.
    day
        Part of the name of the copy.
    anew
        Replace an existing copy of that day; otherwise it stays.
    """
    folder = path.with_name(_FOLDER)
    target = folder / f"{path.stem}-{day}.db"
    if target.exists() and not anew:
        return None
    size = sum(file.stat().st_size for file in (path, path.with_name(f"{path.name}-wal")) if file.exists())
    if shutil.disk_usage(path.parent).free < size + _ROOM_LEFT:
        return f"{folder}: there is no room for a copy of the store ({size >> 20} MB)"
    folder.mkdir(mode=0o700, exist_ok=True)
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        copy(path, part)
        part.replace(target)
    except (StoreError, OSError) as error:
        part.unlink(missing_ok=True)
        return f"{target}: the copy of the store could not be made ({error})"
    for old in sorted(_copies(path))[:-KEPT]:
        old.unlink()
    return None


def copy(path: Path, target: Path) -> None:
    """Copy a store to a new file and check the copy.

    Raises
    ------
    StoreError
        The copy could not be made or would be damaged; none is left.
    """
    try:
        backup(path, target)
        if not _is_sound(target):
            raise StoreError(f"{path}: the store is damaged, and not copied; see 'difwatch db check'")
    except StoreError:
        target.unlink(missing_ok=True)
        raise


def replace_damaged(path: Path, stamp: str) -> str:
    """Move a damaged store aside and put the last good copy in its place; return what was done, in words.

    Nothing is deleted. Without a good copy, a new store will be made from the folders.
    """
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for end in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{end}", f"{aside}{end}")  # noqa: PTH105  (names with endings)
    for known in sorted(_copies(path), reverse=True):
        if _is_sound(known):
            part = path.with_name(f"{path.name}.part")
            shutil.copyfile(known, part)
            part.replace(path)
            return (
                f"put aside as {aside.name}; the copy of {known.stem[-10:]} is taken, and changes since are read anew"
            )
    return f"put aside as {aside.name}; a new one is made from the folders"


def open_or_restore(path: Path, moment: datetime) -> Engine:
    """Open the store for its only writer; replace a damaged store with the last good copy, or with a new store.

    Raises
    ------
    StoreError
        The store cannot be opened.
    """
    try:
        return open_writer(path)
    except StoreForeignError as error:
        log.error("%s: %s", error, replace_damaged(path, moment.strftime("%Y-%m-%dT%H%M%S")))
        return open_writer(path)


def _copies(path: Path) -> list[Path]:
    return list(path.with_name(_FOLDER).glob(f"{path.stem}-*.db"))


def _is_sound(path: Path) -> bool:
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"  # so that SQLite makes no files beside it
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            (ours,) = connection.execute("PRAGMA application_id").fetchone()
            return bool(ours == APPLICATION_ID and connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.Error:
        return False
