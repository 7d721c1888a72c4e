"""What a person decided about groups, by the contents of their pictures: in a file of its own.

So decisions outlive renamed files, other ids and restarts. A group whose contents have changed is another group, and
what was decided about the former one is never applied to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from difwatch import paths
from difwatch.errors import StoreError
from difwatch.model.pictures import Image

Kind = Literal["keep", "later"]

_VERSION = 1
_TABLE = """
CREATE TABLE decision (
    name TEXT PRIMARY KEY,  -- of the contents of the group
    kind TEXT NOT NULL,
    contents TEXT NOT NULL,  -- digests, as JSON
    going TEXT NOT NULL,  -- pairs of a digest and a path, as JSON
    bytes INTEGER NOT NULL,
    decided TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a group.

    Attributes
    ----------
    kind
        Whether some of its pictures go, or it is looked at later.
    contents
        The digests of its pictures when it was decided.
    going
        The pictures that go, by digest and path.
    bytes
        Of these.
    """

    kind: Kind
    contents: frozenset[bytes]
    going: frozenset[tuple[bytes, bytes]] = frozenset()
    bytes: int = 0

    def sends_away(self, image: Image, of_digest: int) -> bool:
        """Tell whether a picture of the group goes.

        Parameters
        ----------
        of_digest
            The number of pictures of the group with its bytes; the only one may have another name by now.
        """
        if of_digest == 1:
            return any(digest == image.digest for digest, _ in self.going)
        return (image.digest, image.path) in self.going


def name_of(digests: Iterable[bytes]) -> str:
    """Return the name of a group by the digests of its pictures."""
    return hashlib.blake2b(b"".join(sorted(digests)), digest_size=8).hexdigest()


class Decisions:
    """The decisions in a file; any thread may use them.

    Parameters
    ----------
    path
        The file; created if missing, for this user alone.

    Raises
    ------
    StoreError
        The file cannot be used, or was written by a newer difwatch.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        with self._translated():
            path.touch(mode=0o600)  # before SQLite makes it with the rights of the store
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise StoreError(f"{path}: was written by a newer difwatch")
            if version < _VERSION:
                self._connection.executescript(f"BEGIN; {_TABLE}; PRAGMA user_version = {_VERSION}; COMMIT;")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def all(self) -> dict[str, Decision]:
        """Return all decisions by the name of their group."""
        with self._using() as connection:
            rows = connection.execute("SELECT name, kind, contents, going, bytes FROM decision").fetchall()
        return {
            name: Decision(kind, _digests(contents), _pictures(going), size)
            for name, kind, contents, going, size in rows
        }

    def put(self, decision: Decision, images: Sequence[Image], now: datetime) -> None:
        """Record what was decided about a group of pictures."""
        contents = json.dumps(sorted(digest.hex() for digest in decision.contents))
        going = json.dumps(sorted([digest.hex(), paths.as_text(path)] for digest, path in decision.going))
        name = name_of(image.digest for image in images)
        row = (name, decision.kind, contents, going, decision.bytes, now.isoformat())
        with self._using() as connection:
            connection.execute("INSERT OR REPLACE INTO decision VALUES (?, ?, ?, ?, ?, ?)", row)

    def remove(self, names: Iterable[str]) -> None:
        """Take decisions back."""
        with self._using() as connection:
            connection.executemany("DELETE FROM decision WHERE name = ?", [(name,) for name in names])

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._translated():
            yield self._connection

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self._path}: decisions cannot be kept there: {error}") from error


def _digests(text: str) -> frozenset[bytes]:
    return frozenset(map(bytes.fromhex, json.loads(text)))


def _pictures(text: str) -> frozenset[tuple[bytes, bytes]]:
    return frozenset((bytes.fromhex(digest), paths.from_text(path)) for digest, path in json.loads(text))
