"""Pictures, and how they match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from difwatch.model.files import FileKey

Level = Literal["identical", "duplicate", "similar", "edited"]
"""How alike two pictures are: the same bytes, the same pixels at some turn, nearly the same pixels, or the same
picture made brighter, grey, of other contrast, framed or mirrored."""

LEVELS: tuple[Level, ...] = ("identical", "duplicate", "similar", "edited")
"""From the most alike to the least."""

Ignored = frozenset[tuple[bytes, bytes]]
"""Pairs of digests, the smaller one first, that a person said are no duplicates."""


class Errors(NamedTuple):
    """How far a picture is from another one, as sums of squared errors of the tensors and of the tones.

    -1 stands for what is beyond all that is searched. The angles turn the other picture, mirrored first if
    ``mirrored``, onto this one: counter-clockwise, in degrees.
    """

    sse: int
    tone: int
    rotation: int = 0
    tone_rotation: int = 0
    mirrored: bool = False


SAME = Errors(0, -1)
"""How far a picture is from itself."""


class Near(NamedTuple):
    """How far a picture is from another one, by the ids of their tensors."""

    tensor: int
    other: int
    errors: Errors


class Neighbours(Protocol):
    """How far the tensors around each tensor are, in both directions."""

    def get(self, tensor: int, default: Sequence[tuple[int, Errors]] = (), /) -> Sequence[tuple[int, Errors]]:
        """Return the ids of the neighbours of a tensor and how far they are; mirrored errors follow the others."""
        ...


@dataclass(frozen=True, slots=True)
class Appearance:
    """What a picture looks like to difwatch. All are bytes of arrays, empty where there is none.

    Attributes
    ----------
    tensor
        uint8 (px, px, 3).
    digest
        Equal for pictures that look the same; no others have the same.
    sketch
        Of the tensor: float32 (16,).
    tone_sketch
        Of the tone: float32 (32,). Empty for a flat picture.
    alike
        Of a flat picture only: equal for those that look the same in some orientation.
    inside
        The tone of what is inside the uniform edges: uint8 (px, px).
    inside_sketch
        Of that tone: float32 (32,).
    """

    tensor: bytes
    digest: bytes
    sketch: bytes
    tone_sketch: bytes = b""
    alike: bytes = b""
    inside: bytes = b""
    inside_sketch: bytes = b""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file says about its picture; None is unknown.

    Attributes
    ----------
    format
        As Pillow calls it, or `RAW`.
    bits
        Of a channel.
    camera, lens
        As EXIF names them.
    taken
        When: ISO 8601, with the fraction of a second and the offset from UTC that EXIF has.
    has_place
        Whether EXIF says where.
    orientation
        Of EXIF, 1 to 8.
    quality
        About the quality that a JPEG was saved with, 1 to 100.
    """

    format: str = ""
    bits: int = 8
    camera: str | None = None
    lens: str | None = None
    taken: str | None = None
    has_place: bool = False
    orientation: int = 1
    quality: int | None = None


RAW = "RAW"
"""The format of the raw files of cameras, of which a preview is compared; such a file is a copy of its kind only."""

UNKNOWN = Facts()
"""The facts of which none is known."""


@dataclass(frozen=True, slots=True)
class Image:
    """A readable picture file; ``links`` are further names of the same file.

    ``limit`` is the largest SSE of its matches, ``scope`` what it is compared within (None for the union of all
    folders), ``seen`` when it was found first; None where that is not known. Of its ``frames`` the first is
    compared. ``position`` is the place of its folder among those configured.
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
    facts: Facts = UNKNOWN
    position: int = 0

    @property
    def dimensions(self) -> tuple[int, int]:
        """Width and height in ascending order, so that a turned copy has the same."""
        return (self.width, self.height) if self.width <= self.height else (self.height, self.width)


@dataclass(frozen=True, slots=True)
class Member:
    """A picture of a group that is not its best, and how far it is from the best one.

    ``is_shot`` says that the two were taken at different moments.
    """

    image: Image
    errors: Errors
    level: Level
    is_shot: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A best picture and those that directly match it."""

    primary: Image
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two picture files that match, and how far *b* is from *a*; ``are_shots``: taken at different moments."""

    a: Image
    b: Image
    errors: Errors
    level: Level
    are_shots: bool = False


def rotation_of(errors: Errors, level: Level) -> int:
    """Return the angle that brings two pictures together by the error that made them match."""
    return errors.tone_rotation if level == "edited" and errors.tone >= 0 else errors.rotation


def unseen_frames(image: Image, keeper: Image) -> str | None:
    """Return why a picture stays because not all of it, or of the one to keep, was compared; None if all was."""
    if image.digest == keeper.digest:
        return None
    if image.frames > 1:
        return f"it has {image.frames} frames, and only the first was compared"
    if keeper.frames > 1:
        return f"the picture to keep has {keeper.frames} frames, and only the first was compared"
    return None
