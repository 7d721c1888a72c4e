"""What was about to be done with people's files, and what came of it: in a file of its own, synced at each step.

A row is written before anything is done (*open*) and closed after. So after a kill the open rows say what to look
at, and the others what can be undone, whatever became of the store.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path

from difwatch import paths
from difwatch.errors import JournalError
from difwatch.model.files import FileKey, signed

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

OPEN, DONE, BACK, FAILED, UNDONE, LOST = "open", "done", "rolled back", "failed", "undone", "lost"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file's act. ``kind`` is move, trash, delete or undo; ``state`` one of the words above; 0 is no id yet."""

    kind: str
    source: bytes
    target: bytes | None
    token: str
    digest: bytes
    size: int
    mtime_ns: int
    fsid: int
    inode: int
    target_fsid: int | None = None
    keeper: bytes | None = None
    keeper_digest: bytes | None = None
    sse: int | None = None
    picture: int | None = None
    undoes: int | None = None
    state: str = OPEN
    begun: str = ""
    ended: str | None = None
    message: str | None = None
    id: int = 0

    @classmethod
    def of(cls, kind: str, path: bytes, descriptor: int, digest: bytes) -> Entry:
        """For a file that is held open."""
        key = FileKey.of(os.fstat(descriptor))
        fsid = signed(os.fstatvfs(descriptor).f_fsid)
        return cls(kind, path, None, secrets.token_hex(8), digest, key.size, key.mtime_ns, fsid, key.inode)

    def beside(self, path: bytes, what: str) -> bytes:
        """The name of a passing file in the directory of a path; nobody else knows it."""
        return paths.join(paths.parent(path), f".difwatch-{self.token}.{what}".encode())

    @property
    def part(self) -> bytes:
        """Where a copy is being written."""
        assert self.target is not None
        return self.beside(self.target, "part")

    @property
    def parted(self) -> bytes:
        """Where the source waits to be unlinked."""
        return self.beside(self.source, "gone")


_FIELDS = tuple(one.name for one in fields(Entry))

_KEPT_FOR = """
WITH RECURSIVE same (digest) AS (
    VALUES (?)
    UNION SELECT act.digest FROM act JOIN same ON act.keeper_digest = same.digest WHERE state = ? AND sse = 0
)
SELECT count(*) FROM act JOIN same ON act.keeper_digest = same.digest WHERE state = ? AND sse > 0
"""


class Journal:
    """The journal of a state directory.

    Parameters
    ----------
    path
        Its file; made if there is none, unless ``readonly``.
    readonly
        For looking at it beside a running writer.

    Raises
    ------
    JournalError
        It cannot be used, or it was written by a newer difwatch.
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

    def _check(self, readonly: bool) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise JournalError(f"{self.path}: the journal of moves was written by a newer difwatch; use that one")
        if version == 0 and not readonly:
            self._connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def begin(self, entries: Sequence[Entry], now: datetime) -> list[Entry]:
        """Write down what is about to be done, all of it or nothing; the first one is the picture of the others."""
        written: list[Entry] = []
        with self._transaction() as connection:
            for entry in entries:
                picture = written[0].id if written else None
                begun = replace(entry, state=OPEN, begun=now.isoformat(), picture=picture)
                names = [name for name in _FIELDS if name != "id"]
                marks = ", ".join("?" * len(names))
                values = [getattr(begun, name) for name in names]
                done = connection.execute(f"INSERT INTO act ({', '.join(names)}) VALUES ({marks})", values)
                written.append(replace(begun, id=done.lastrowid or 0))
        return written

    def retarget(self, entries: Iterable[Entry]) -> None:
        """Write down other targets, before they are tried."""
        with self._transaction() as connection:
            for entry in entries:
                connection.execute("UPDATE act SET target = ? WHERE id = ?", (entry.target, entry.id))

    def end(self, entries: Iterable[Entry], state: str, now: datetime, message: str | None = None) -> None:
        """Write down what came of it."""
        with self._transaction() as connection:
            for entry in entries:
                connection.execute(
                    "UPDATE act SET state = ?, ended = ?, message = ? WHERE id = ?",
                    (state, now.isoformat(), message, entry.id),
                )
                if state == DONE and entry.undoes is not None:
                    connection.execute("UPDATE act SET state = ? WHERE id = ?", (UNDONE, entry.undoes))

    def open_entries(self) -> list[Entry]:
        """What a kill left open, oldest first."""
        return self._select("WHERE state = ? ORDER BY id", (OPEN,))

    def entries(self, since: datetime | None = None, states: Sequence[str] = ()) -> list[Entry]:
        """The acts, oldest first; those that ended since a moment, or in some states."""
        marks = ", ".join("?" * len(states))
        where = ["ended >= ?"] * (since is not None) + [f"state IN ({marks})"] * bool(states)
        values = [since.isoformat()] if since is not None else []
        values += states
        return self._select((f"WHERE {' AND '.join(where)} " if where else "") + "ORDER BY id", values)

    def get(self, id_: int) -> Entry | None:
        """The act of an id."""
        return next(iter(self._select("WHERE id = ?", (id_,))), None)

    def sidecars(self, id_: int) -> list[Entry]:
        """What went along with a picture."""
        return self._select("WHERE picture = ? ORDER BY id", (id_,))

    def count_since(self, moment: datetime) -> int:
        """How many pictures were moved since a moment, or are being moved, also if they were put back."""
        with self._translated():
            (count,) = self._connection.execute(
                "SELECT count(*) FROM act "
                "WHERE begun >= ? AND kind <> 'undo' AND picture IS NULL AND state IN (?, ?, ?)",
                (moment.isoformat(), DONE, OPEN, UNDONE),
            ).fetchone()
        return int(count)

    def put_back(self, digest: bytes, path: bytes) -> bool:
        """Tell whether a person once undid the move of this content from this path."""
        with self._translated():
            found = self._connection.execute(
                "SELECT 1 FROM act WHERE state = ? AND digest = ? AND source = ?", (UNDONE, digest, path)
            ).fetchone()
        return found is not None

    def kept_for(self, digest: bytes) -> int:
        """Count the near-duplicates that were moved because this content was kept: such a picture must stay.

        It may have been kept directly, or for an identical one that was kept then and moved for this one later.
        """
        with self._translated():
            (count,) = self._connection.execute(_KEPT_FOR, (digest, DONE, DONE)).fetchone()
        return int(count)

    def destinations(self) -> set[bytes]:
        """The directories to which pictures were moved that are still there, as far as is known."""
        with self._translated():
            rows = self._connection.execute("SELECT target FROM act WHERE state = ? AND kind = 'move'", (DONE,))
            return {paths.parent(target) for (target,) in rows}

    def _select(self, rest: str, values: Sequence[object]) -> list[Entry]:
        with self._translated():
            rows = self._connection.execute(f"SELECT {', '.join(_FIELDS)} FROM act {rest}", values).fetchall()
        return [Entry(*row) for row in rows]

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, OverflowError) as error:
            raise JournalError(
                f"{self.path}: the journal of moves cannot be used ({error}); nothing is moved without it"
            ) from error
