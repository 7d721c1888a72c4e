"""What the journal records about one file, and the names that exist only while an act is open."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass

from difwatch import paths
from difwatch.model.files import FileKey, signed

OPEN, DONE, BACK, FAILED, UNDONE, LOST = "open", "done", "rolled back", "failed", "undone", "lost"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file's act: ``kind`` is move, trash, delete or undo; ``state`` a word from above; ``id`` 0 until begun."""

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
        """Return a new entry for a file that is held open."""
        key = FileKey.of(os.fstat(descriptor))
        fsid = signed(os.fstatvfs(descriptor).f_fsid)
        return cls(kind, path, None, secrets.token_hex(8), digest, key.size, key.mtime_ns, fsid, key.inode)

    def beside(self, path: bytes, what: str) -> bytes:
        """Return the path of a temporary file beside a path, with a name that nobody else knows."""
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
