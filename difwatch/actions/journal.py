"""The journal of what is done with people's files: in a file of its own, synced at each step.

A row is written before anything is done (*open*) and closed afterwards. After a kill, the open rows say what to check
and the others what can be undone, whatever became of the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path

from difwatch import paths
from difwatch.actions.entry import DONE, OPEN, UNDONE, Entry
from difwatch.actions.journal_file import JournalFile
from difwatch.model.files import signed

_FIELDS = tuple(field.name for field in fields(Entry))

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
        Its file; created if missing, unless ``readonly``.
    readonly
        Only read, beside a running writer.

    Raises
    ------
    JournalError
        The file cannot be used, or was written by a newer difwatch.
    """

    def __init__(self, path: Path, readonly: bool = False) -> None:
        self._file = JournalFile(path, readonly)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def begin(self, entries: Sequence[Entry], now: datetime) -> list[Entry]:
        """Record acts before they are done, all or none; the first is the picture whose sidecars the others are."""
        written: list[Entry] = []
        names = [name for name in _FIELDS if name != "id"]
        insert = f"INSERT INTO act ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        with self._file.transaction() as connection:
            for entry in entries:
                picture = written[0].id if written else None
                begun = replace(entry, state=OPEN, begun=now.isoformat(), picture=picture)
                done = connection.execute(insert, [getattr(begun, name) for name in names])
                written.append(replace(begun, id=done.lastrowid or 0))
        return written

    def retarget(self, entries: Iterable[Entry]) -> None:
        """Record other targets before they are tried."""
        with self._file.transaction() as connection:
            for entry in entries:
                connection.execute("UPDATE act SET target = ? WHERE id = ?", (entry.target, entry.id))

    def end(self, entries: Iterable[Entry], state: str, now: datetime, message: str | None = None) -> None:
        """Record how acts ended."""
        with self._file.transaction() as connection:
            for entry in entries:
                values = (state, now.isoformat(), message, entry.id)
                connection.execute("UPDATE act SET state = ?, ended = ?, message = ? WHERE id = ?", values)
                if state == DONE and entry.undoes is not None:
                    connection.execute("UPDATE act SET state = ? WHERE id = ?", (UNDONE, entry.undoes))

    def note_made(self, directories: Iterable[bytes]) -> None:
        """Record directories that were created to move something there."""
        rows = [(path, *_identity(path)) for path in directories]
        with self._file.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO made VALUES (?, ?, ?)", rows)

    def was_made(self, directory: bytes) -> bool:
        """Tell whether a directory is the one that was created there to move something into it."""
        known = self._file.rows("SELECT dev, inode FROM made WHERE path = ?", (directory,))
        return bool(known) and known[0] == _identity(directory)

    def entries(self, since: datetime | None = None, states: Sequence[str] = ()) -> list[Entry]:
        """Return the acts, oldest first; if given, only those that ended since a moment and are in some states."""
        where, values = [], []
        if since is not None:
            where.append("ended >= ?")
            values.append(since.isoformat())
        if states:
            where.append(f"state IN ({', '.join('?' * len(states))})")
            values += states
        return _select(self._file, (f"WHERE {' AND '.join(where)} " if where else "") + "ORDER BY id", values)

    def get(self, id_: int) -> Entry | None:
        """Return the act with an id; None if there is none."""
        return next(iter(_select(self._file, "WHERE id = ?", (id_,))), None)

    def sidecars(self, id_: int) -> list[Entry]:
        """Return the acts of a picture's sidecars."""
        return _select(self._file, "WHERE picture = ? ORDER BY id", (id_,))

    def begun_between(self, start: datetime, end: datetime) -> list[datetime]:
        """Return when pictures were moved between two moments, also those being moved or put back; oldest first.

        What a wrong clock dated later does not count.
        """
        query = (
            "SELECT begun FROM act WHERE begun BETWEEN ? AND ? AND kind <> 'undo' AND picture IS NULL "
            "AND state IN (?, ?, ?) ORDER BY begun"
        )
        rows = self._file.rows(query, (start.isoformat(), end.isoformat(), DONE, OPEN, UNDONE))
        return [datetime.fromisoformat(begun) for (begun,) in rows]

    def put_back(self, digest: bytes, path: bytes) -> bool:
        """Tell whether a person once undid the move of this content from this path."""
        query = "SELECT 1 FROM act WHERE state = ? AND digest = ? AND source = ? LIMIT 1"
        return bool(self._file.rows(query, (UNDONE, digest, path)))

    def kept_for(self, digest: bytes) -> int:
        """Count the near-duplicates that were moved because this content was kept: such a picture must stay.

        An identical picture that was kept then and moved for this one later counts as this one.
        """
        ((count,),) = self._file.rows(_KEPT_FOR, (digest, DONE, DONE))
        return int(count)

    def destinations(self) -> set[bytes]:
        """Return the directories that hold moved pictures, according to the journal."""
        rows = self._file.rows("SELECT target FROM act WHERE state = ? AND kind = 'move'", (DONE,))
        return {paths.parent(target) for (target,) in rows}


def _select(file: JournalFile, rest: str, values: Sequence[object]) -> list[Entry]:
    return [Entry(*row) for row in file.rows(f"SELECT {', '.join(_FIELDS)} FROM act {rest}", values)]


def _identity(directory: bytes) -> tuple[int, int]:
    """Return the device and inode of a directory as SQLite can hold them; what is not there has none."""
    device, inode = paths.inode_of(directory) or (-1, -1)
    return signed(device), signed(inode)
