"""The page that a worker shares with its parent: which job it is at, and the digest of the bytes being decoded."""

from __future__ import annotations

import mmap

DIGEST_BYTES = 32
_NO_DIGEST = bytes(DIGEST_BYTES)


class InHand:
    """Shared memory that outlives a worker, so that its parent knows what ended it.

    Parameters
    ----------
    descriptor
        Of at least `BYTES` of memory.
    """

    BYTES = 8 + DIGEST_BYTES

    def __init__(self, descriptor: int) -> None:
        self._page = mmap.mmap(descriptor, self.BYTES)

    def begin(self, number: int) -> None:
        """Note that job ``number`` has begun. Clear the digest first, so that it is never paired with another job."""
        self._page[8:] = _NO_DIGEST
        self._page[:8] = number.to_bytes(8, "little")

    def note(self, digest: bytes) -> None:
        """Note the digest of the bytes that are decoded next."""
        self._page[8:] = digest

    def digest_of(self, number: int) -> bytes | None:
        """Return the digest of a job; None if the worker is at another job, or has not read the bytes yet."""
        digest = self._page[8:]
        return None if int.from_bytes(self._page[:8], "little") != number or digest == _NO_DIGEST else digest

    def close(self) -> None:
        """Unmap the memory."""
        self._page.close()
