"""The digest by which contents are told apart: BLAKE2b of 32 bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

SIZE = 32
"""Bytes of a digest."""


def digest_of(data: bytes) -> bytes:
    """Return the digest of some bytes."""
    return hashlib.blake2b(data, digest_size=SIZE).digest()


def digest_of_blocks(blocks: Iterable[bytes]) -> bytes:
    """Return the digest of bytes that come block by block."""
    digest = hashlib.blake2b(digest_size=SIZE)
    for block in blocks:
        digest.update(block)
    return digest.digest()
