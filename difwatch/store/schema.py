"""The schema and its migrations (alembic), for a checkout, an installed wheel and an editable install."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, inspect

from difwatch.errors import StoreError, StoreMissingError, StoreNewerError, StoreOlderError
from difwatch.shipped import shipped_folder
from difwatch.store.engine import MISSING, translated, writing
from difwatch.store.tables import metadata

HEAD = "0011"
"""The newest migration; a test compares it with the folder."""


def migrations() -> Path:
    """Return the folder of the migrations."""
    folder = shipped_folder("migrations")
    if folder is None:
        raise StoreError("the migrations of the store are missing; install difwatch again")
    return folder


def revision(engine: Engine) -> str | None:
    """Return the migration the store is at, None for a new store."""
    with writing(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        schema = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return None if schema is None else str(schema)


def check(engine: Engine, path: Path) -> None:
    """Refuse a store that this difwatch cannot read.

    Raises
    ------
    StoreNewerError
        The store was written by a newer difwatch.
    StoreOlderError
        The store was not yet upgraded.
    """
    schema = revision(engine)
    if schema is None:
        raise StoreMissingError(f"{path}: {MISSING}")
    if schema > HEAD:
        raise StoreNewerError(f"{path}: written by a newer difwatch (schema {schema}, here {HEAD}); upgrade difwatch")
    if schema != HEAD:
        raise StoreOlderError(f"{path}: the store is from an older difwatch; run 'difwatch db upgrade'")


def upgrade(engine: Engine, path: Path) -> str | None:
    """Upgrade the store of the only writer to the newest schema, after making a copy beside it.

    Returns
    -------
    str or None
        The migration the store was at; None for a new store.
    """
    schema = revision(engine)
    if schema is not None and schema > HEAD:
        check(engine, path)
    if schema == HEAD:
        return schema
    if schema is None:
        with translated(path):
            _make(engine)
        return None
    backup(path, path.with_name(f"{path.name}.before-{HEAD}"))
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    with translated(path), engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return schema


def _make(engine: Engine) -> None:
    """Make the tables of a new store at once; a test compares them with what the migrations make one by one."""
    with writing(engine) as connection:
        metadata.create_all(connection)
        connection.exec_driver_sql(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
            "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))


def backup(path: Path, copy: Path) -> None:
    """Copy the store to a file through SQLite itself, even while the store is written to."""
    # Open read-only: a connection that can write may tidy up on closing, which only the writer may do.
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with (
        translated(copy),
        closing(sqlite3.connect(uri, uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
