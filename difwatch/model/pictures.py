"""Pictures, and how they match."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from difwatch.model.files import FileKey

Level = Literal["identical", "duplicate", "similar"]
"""How alike two pictures are: the same bytes, the same pixels at some turn, or less."""

Ignored = frozenset[tuple[bytes, bytes]]
"""Pairs of digests, the smaller one first, that a person said are no duplicates."""

Neighbours = dict[int, list[tuple[int, int, int]]]
"""Tensor id to (other tensor id, SSE, degrees that turn the other onto this one), in both directions."""


@dataclass(frozen=True, slots=True)
class Image:
    """A readable picture file; ``links`` are further names of the same file.

    ``limit`` is the largest SSE of its matches, ``scope`` what it is compared within (None for the union of all
    folders), ``seen`` when it was found first; None where that is not known. Of its ``frames`` the first is compared.
    """

    path: bytes
    tensor: int
    digest: bytes
    width: int
    height: int
    size: int
    mtime_ns: int
    reference: bool = False
    scope: bytes | None = None
    limit: int = 0
    links: tuple[bytes, ...] = ()
    key: FileKey | None = None
    seen: datetime | None = None
    frames: int = 1

    @property
    def dimensions(self) -> tuple[int, int]:
        """Width and height in ascending order, so that a turned copy has the same."""
        return (self.width, self.height) if self.width <= self.height else (self.height, self.width)


@dataclass(frozen=True, slots=True)
class Member:
    """A picture of a group that is not its best, and how far it is from the best one."""

    image: Image
    sse: int
    rotation: int
    level: Level


@dataclass(frozen=True, slots=True)
class Group:
    """A best picture and those directly within the threshold of it."""

    primary: Image
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two picture files within the threshold; *b* is turned by ``rotation`` onto *a*."""

    a: Image
    b: Image
    sse: int
    rotation: int
    level: Level
