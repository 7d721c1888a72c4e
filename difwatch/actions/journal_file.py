"""The file of the journal: its schema, each step synced to the disk, and every failure a `JournalError`."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from difwatch.errors import JournalError

_VERSION = 1
_SCHEMA = """
CREATE TABLE act (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    begun TEXT NOT NULL,          -- ISO 8601
    ended TEXT,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    source BLOB NOT NULL,
    target BLOB,
    token TEXT NOT NULL,          -- in the names of files that only exist while this is open
    digest BLOB NOT NULL,         -- BLAKE2b of the bytes
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    fsid INTEGER NOT NULL,        -- of the file system, which keeps it over restarts
    target_fsid INTEGER,
    inode INTEGER NOT NULL,
    keeper BLOB,                  -- what stays, and why the other one may go
    keeper_digest BLOB,
    sse INTEGER,
    picture INTEGER REFERENCES act (id),  -- whose sidecar this is
    undoes INTEGER REFERENCES act (id),
    message TEXT
);
CREATE INDEX act_open ON act (state) WHERE state = 'open';
CREATE INDEX act_keeper ON act (keeper_digest);
CREATE INDEX act_digest ON act (digest);
CREATE INDEX act_ended ON act (ended);
"""
# Directories that moving created, which an undo removes once they are empty; older versions do without.
_MADE = "CREATE TABLE IF NOT EXISTS made (path BLOB PRIMARY KEY, dev INTEGER, inode INTEGER)"


class JournalFile:
    """A SQLite database apart from the store, so that moves can be undone even when the store is broken.

    Parameters
    ----------
    path
        Created if missing, unless ``readonly``.
    readonly
        Only read, beside a running writer.

    Raises
    ------
    JournalError
        The file cannot be used, or was written by a newer difwatch.
    """

    def __init__(self, path: Path, readonly: bool = False) -> None:
        self.path = path
        with self._translated():
            if readonly:
                self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
            else:
                path.touch(mode=0o600)
                self._connection = sqlite3.connect(path)
            self._connection.isolation_level = None
            self._connection.execute("PRAGMA busy_timeout = 10000")
            if not readonly:
                self._connection.execute("PRAGMA journal_mode = WAL")
                # Each step is on the disk before the next one is done.
                self._connection.execute("PRAGMA synchronous = FULL")
            self._check(readonly)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._translated():
            return self._connection.execute(query, values).fetchall()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold a transaction, all or none of which is on the disk afterwards."""
        with self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _check(self, readonly: bool) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise JournalError(f"{self.path}: the journal of moves was written by a newer difwatch; use that one")
        if version == 0 and not readonly:
            self._connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
        if not readonly:
            self._connection.execute(_MADE)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, OverflowError) as error:
            raise JournalError(
                f"{self.path}: the journal of moves cannot be used ({error}); nothing is moved without it"
            ) from error
