"""The schema and its migrations (alembic), for a checkout, an installed wheel and an editable install."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, inspect

from difwatch.errors import StoreError, StoreMissingError, StoreNewerError, StoreOlderError
from difwatch.shipped import shipped_folder
from difwatch.store.engine import MISSING, translated, writing

HEAD = "0007"
"""The newest migration; a test compares it with the folder."""


def migrations() -> Path:
    """Return the folder of the migrations."""
    folder = shipped_folder("migrations")
    if folder is None:
        raise StoreError("the migrations of the store are missing; install difwatch again")
    return folder


def revision(engine: Engine) -> str | None:
    """The migration the store is at, None for a new store."""
    with writing(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return None if found is None else str(found)


def check(engine: Engine, path: Path) -> None:
    """Refuse a store that this difwatch cannot read.

    Raises
    ------
    StoreNewerError
        Written by a newer difwatch.
    StoreOlderError
        Not yet upgraded.
    """
    found = revision(engine)
    if found is None:
        raise StoreMissingError(f"{path}: {MISSING}")
    if found > HEAD:
        raise StoreNewerError(f"{path}: written by a newer difwatch (schema {found}, here {HEAD}); upgrade difwatch")
    if found != HEAD:
        raise StoreOlderError(f"{path}: the store is from an older difwatch; run 'difwatch db upgrade'")


def upgrade(engine: Engine, path: Path) -> str | None:
    """Bring the store of the only writer to the newest schema; a copy is put beside it first.

    Returns
    -------
    str or None
        The migration the store was at; None for a new store.
    """
    found = revision(engine)
    if found is not None and found > HEAD:
        check(engine, path)
    if found == HEAD:
        return found
    if found is not None:
        backup(path, path.with_name(f"{path.name}.before-{HEAD}"))
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    with translated(path), engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return found


def backup(path: Path, copy: Path) -> None:
    """Copy the store to a file through SQLite itself, also while it is written to."""
    # Only read: a connection that could write may tidy up after itself, which is for the only writer to do.
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with (
        translated(copy),
        closing(sqlite3.connect(uri, uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
