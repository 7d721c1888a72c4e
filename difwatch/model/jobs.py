"""What a worker is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from difwatch.model.files import FileKey, FileState
from difwatch.model.pictures import UNKNOWN, Appearance, Facts


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest file that is decoded: ``max_pixels`` is width times height, ``max_bytes`` the size on the disk."""

    max_pixels: int = 250_000_000
    max_bytes: int = 1 << 30


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What a worker may use: ``seconds`` for a job, ``memory`` in bytes of address space.

    If ``apart``, each file is decoded in a process of its own, so that none can lie about another one.
    """

    seconds: float = 300.0
    memory: int = 4 << 30
    apart: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """How a picture is shown: at most ``side`` pixels wide and high, in an orientation of its own."""

    side: int
    orientation: int = 0


@dataclass(frozen=True, slots=True)
class TensorJob:
    """A request for the tensor of one file, unless its bytes are among ``known_digests``; or for a ``view`` of it.

    An ``unshared`` file is not read while another process has it open for writing, if the system can tell. Who has
    opened the file already passes its ``descriptor``, and keeps it open until the answer.
    """

    path: bytes
    key: FileKey
    px: int
    limits: Limits
    known_digests: frozenset[bytes] = frozenset()
    unshared: bool = False
    recipe: str = "exact"
    descriptor: int | None = None
    view: View | None = None


@dataclass(frozen=True, slots=True)
class Tensorized:
    """A file that became a tensor; a ``known`` one was recognised by its bytes and has no appearance."""

    state: FileState
    digest: bytes
    known: bool
    width: int = 0
    height: int = 0
    appearance: Appearance | None = None
    frames: int = 1
    facts: Facts = UNKNOWN

    @property
    def path(self) -> bytes:
        """The path of the file."""
        return self.state.path


@dataclass(frozen=True, slots=True)
class Shown:
    """A file of which a view was made, as a JPEG."""

    state: FileState
    digest: bytes
    jpeg: bytes

    @property
    def path(self) -> bytes:
        """The path of the file."""
        return self.state.path


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file without a tensor, and why. ``digest`` is None when not even its bytes could be read.

    A file was ``given_up`` if it is no fault that a decoder found, but workers ended or took too long at it.
    """

    state: FileState
    digest: bytes | None
    reason: str
    given_up: bool = False

    @property
    def path(self) -> bytes:
        """The path of the file."""
        return self.state.path


@dataclass(frozen=True, slots=True)
class Postponed:
    """A file that could not be read for a reason that may pass; what is known of it stays."""

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A file that must be looked at again: it went away or changed while it was being read.

    With ``being_written``, another process has it open for writing.
    """

    path: bytes
    being_written: bool = False


Answer = Tensorized | Shown | Unreadable | Postponed | Unsettled


class Decoder(Protocol):
    """Decodes pictures where a hostile one does no harm."""

    def decode(self, path: bytes, descriptor: int) -> Answer:
        """Return what became of an open file; its path tells whether it is a raw file."""

    def expect(self, paths: Iterable[bytes]) -> None:
        """Note which files will be asked for, in this order, so that they can be decoded ahead."""

    def appearance(self, path: bytes, descriptor: int, digest: bytes) -> Appearance | Answer:
        """Return what an open picture of these bytes looks like, or the answer that says why that is not known."""

    def close(self) -> None:
        """Release what decoding takes; the next picture takes it again."""
