"""Opening the store: one connection writes, any number read, and every failure is a `StoreError`."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import ClauseElement, Compiled, Connection, Engine, NullPool, StaticPool, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

from difwatch.errors import StoreBusyError, StoreError, StoreForeignError, StoreFullError, StoreMissingError

APPLICATION_ID = 0x64694677
"""Marks a SQLite file as a store of difwatch ("diFw")."""

_WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # A power cut may lose the last commits; the next scan repeats them.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",  # the daemon may write to nothing but the state directory
    "PRAGMA journal_size_limit = 67108864",
)
_COMMON_PRAGMAS = (
    "PRAGMA busy_timeout = 10000",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
)


def open_writer(path: Path) -> Engine:
    """Open the store for its only writer, creating the file if there is none.

    The caller must hold the lock of the state directory.

    Raises
    ------
    StoreForeignError
        The file is no SQLite database, belongs to another program, or is damaged.
    """
    _claim(path)
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(path, check_same_thread=False),
        poolclass=StaticPool,
        execution_options={"store": path},
    )
    _begin_with(engine, _WRITER_PRAGMAS, "BEGIN IMMEDIATE")
    try:
        with translated(path), engine.begin() as connection:
            damage = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if damage != "ok":
                raise StoreForeignError(_damaged(path, str(damage)))
    except StoreError:
        engine.dispose()
        raise
    return engine


def open_reader(path: Path) -> Engine:
    """Open the store for reading only; a reader never makes the writer wait.

    Raises
    ------
    StoreError
        There is no store yet, or it cannot be opened.
    """
    try:
        if not path.exists():
            raise StoreMissingError(f"{path}: {MISSING}")
    except OSError as error:  # a parent folder may not be entered
        raise StoreError(f"{path}: the store cannot be read: {error.strerror}") from error
    _refuse_foreign(path)
    uri = f"file:{quote(str(path))}?mode=ro"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(uri, uri=True),
        poolclass=NullPool,
        execution_options={"store": path},
    )
    _begin_with(engine, ("PRAGMA query_only = ON",), "BEGIN")
    return engine


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Hold one transaction of the writer: all of it is kept, or nothing."""
    with translated(_path_of(engine)), engine.begin() as connection:
        yield connection


MISSING = "there is no store yet; run 'difwatch watch FOLDER' first"


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Hold one consistent view of the store; even the writer waits for no lock here."""
    with (
        translated(_path_of(engine)),
        engine.connect() as connection,
        connection.execution_options(only_reads=True).begin(),
    ):
        yield connection


def driver_cursor(connection: Connection) -> sqlite3.Cursor:
    """Return a cursor of the driver in the transaction of a connection, for thousands of short statements."""
    cursor: sqlite3.Cursor = connection.connection.cursor()  # type: ignore[assignment]
    return cursor


def driver_text(statement: ClauseElement) -> str:
    """Return the text of a statement for a cursor of the driver, which takes its values by name.

    Keep it: to compile a statement and to convert its values takes longer than SQLite needs to run it.
    """
    return str(_compiled(statement))


def driver_rows(connection: Connection, statement: ClauseElement) -> sqlite3.Cursor:
    """Return the rows of a statement as plain tuples; it has no list of values, which would have to be expanded."""
    compiled = _compiled(statement)
    return driver_cursor(connection).execute(str(compiled), compiled.params)


def _compiled(statement: ClauseElement) -> Compiled:
    return statement.compile(dialect=sqlite.dialect(paramstyle="named"))


_FOREIGN = "this is not a store of difwatch; move it away, and a new one will be made from your folders"


# Device and inode of the files that are known to be stores. From then on only SQLite may open and close them: the
# system drops all locks of a process on a file as soon as the process closes any descriptor of that file.
_ours: set[tuple[int, int]] = set()


def _claim(path: Path) -> None:
    """Mark a new file as ours before anything else happens to it; refuse a file that is not ours."""
    if path.exists() and path.stat().st_size:
        _refuse_foreign(path)
        return
    with translated(path), contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA page_size = 8192")  # a tensor of the default size fits into one page
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    _ours.add(_identity(path))


def _refuse_foreign(path: Path) -> None:
    # Read the header without SQLite, which would already change another program's file.
    if _identity(path) in _ours:
        return
    try:
        with path.open("rb") as file:
            header = file.read(72)
    except OSError as error:
        raise StoreError(f"{path}: the store cannot be read: {error.strerror}") from error
    if header[:16] != b"SQLite format 3\0" or int.from_bytes(header[68:72]) != APPLICATION_ID:
        raise StoreForeignError(f"{path}: {_FOREIGN}")
    _ours.add(_identity(path))


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise StoreError(f"{path}: the store cannot be read: {error.strerror}") from error
    return status.st_dev, status.st_ino


def _begin_with(engine: Engine, pragmas: tuple[str, ...], begin: str) -> None:
    # The implicit transactions of the sqlite3 module lose updates and do not roll back DDL: replace them.
    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (*_COMMON_PRAGMAS, *pragmas):
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def _began(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("only_reads") else begin)


def damage(path: Path) -> list[str]:
    """Read all of a database and return what is wrong with it, in SQLite's words; empty if sound.

    Raises
    ------
    StoreError
        The database cannot be opened.
    """
    uri = f"file:{quote(str(path))}?mode=ro"
    with translated(path), contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
        lines = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(10)")]
    return [] if lines == ["ok"] else lines


def _path_of(engine: Engine) -> Path:
    path: Path = engine.get_execution_options()["store"]
    return path


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn database errors into a `StoreError` that names the file and says what to do."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        original = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(original, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreBusyError(f"{path}: another process is writing to the store; try again") from error
        if code == sqlite3.SQLITE_NOTADB:
            raise StoreForeignError(f"{path}: {_FOREIGN}") from error
        if code == sqlite3.SQLITE_CORRUPT:
            raise StoreForeignError(_damaged(path, str(original))) from error
        if code == sqlite3.SQLITE_FULL:
            raise StoreFullError(f"{path}: the disk is full; make room") from error
        raise StoreError(f"{path}: the store cannot be used: {original}") from error


def _damaged(path: Path, detail: str) -> str:
    return f"{path}: the store is damaged ({detail}); move it away, and a new one will be made from your folders"
