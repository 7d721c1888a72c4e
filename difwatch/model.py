"""The values that travel between the parts, named by their role. All are frozen."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileKey:
    """What tells two states of a file apart, compared with ``!=`` and never with ``<``.

    Times are in nanoseconds; ``inode`` is folded into the signed 64 bits that SQLite can hold.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    dev: int
    inode: int

    @classmethod
    def of(cls, stat: os.stat_result) -> FileKey:
        """The key in a stat result."""
        mtime_ns, ctime_ns = _clamped(stat.st_mtime_ns), _clamped(stat.st_ctime_ns)
        return cls(_clamped(stat.st_size), mtime_ns, ctime_ns, _signed(stat.st_dev), _signed(stat.st_ino))


def _clamped(value: int) -> int:
    # Times after 2262 do not fit; that they are all the same then is no harm.
    return min(max(value, -(1 << 63)), (1 << 63) - 1)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


@dataclass(frozen=True, slots=True)
class FileState:
    """A path and what was seen there; ``key`` is None where nothing was."""

    path: bytes
    key: FileKey | None


class ChangeKind(enum.Enum):
    """FILE: look at this path. TREE: look at everything below it."""

    FILE = "file"
    TREE = "tree"


@dataclass(frozen=True, slots=True)
class Change:
    """Something may be different at ``path``: from an event of the system, or from a walk of the tree.

    A walk has seen the file already and passes its ``key`` along.
    """

    kind: ChangeKind
    path: bytes
    key: FileKey | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a picture becomes a tensor. Tensors of different recipes are never compared.

    ``fingerprint`` is the digest of what the recipe makes of the golden pictures on this machine.
    """

    name: str
    px: int
    version: int
    fingerprint: bytes

    @property
    def values(self) -> int:
        """How many values a tensor has: ``3 * px ** 2``."""
        return 3 * self.px * self.px


@dataclass(frozen=True, slots=True)
class TensorJob:
    """What a worker is asked: the tensor of one file, unless its bytes are among ``known_digests``.

    An ``unshared`` one is not read while another process has it open for writing, as far as that can be known.
    """

    path: bytes
    key: FileKey
    px: int
    max_pixels: int
    max_bytes: int
    known_digests: frozenset[bytes] = frozenset()
    unshared: bool = False
    recipe: str = "exact"


@dataclass(frozen=True, slots=True)
class Tensorized:
    """A file that became a tensor; ``known`` ones were recognised by their bytes and carry none."""

    state: FileState
    digest: bytes
    known: bool
    width: int = 0
    height: int = 0
    tensor: bytes = b""
    tensor_digest: bytes = b""
    sketch: bytes = b""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file without a tensor, and why. ``digest`` is None when not even its bytes could be read."""

    state: FileState
    digest: bytes | None
    reason: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """The file could not be read for a reason that may pass; what is known of it stays."""

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Vanished:
    """The file was gone, or changed while it was being read: look again.

    With ``being_written``, another process has it open for writing.
    """

    path: bytes
    being_written: bool = False


Answer = Tensorized | Unreadable | Postponed | Vanished


@dataclass(frozen=True, slots=True)
class Folder:
    """A watched folder and how its pictures are to be compared."""

    path: bytes
    recursive: bool = True
    in_folder: bool | str = False
    limit_extensions: bool = True
    role: str = "normal"
    exclude: tuple[str, ...] = ()
    watch: str = "auto"
    similarity: float | None = None
    keep: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides which stored pairs count as matches."""

    threshold: float = 5.0
    rotate: bool = True
    same_dim: bool = True
    keep: tuple[str, ...] = ("pixels", "bytes", "oldest", "path")
    compare_references: bool = True


@dataclass(frozen=True, slots=True)
class Remembered:
    """Up to which mean squared error pairs are stored.

    ``wanted`` is what was configured; ``mse`` is less where that gave more than ``most`` pairs. Otherwise ``most``
    is None.
    """

    mse: float
    wanted: float
    most: int | None = None


@dataclass(frozen=True, slots=True)
class InForce:
    """What a store works with: a recipe by its id, name and tensor side, and how far pairs are remembered."""

    recipe_id: int
    recipe: str
    px: int
    remembered: Remembered

    @property
    def values(self) -> int:
        """How many values a tensor has: ``3 * px ** 2``."""
        return 3 * self.px * self.px


@dataclass(frozen=True, slots=True)
class Image:
    """A readable picture file as the report knows it; ``links`` are further names of the same file.

    ``seen`` is when it was found first, ISO 8601; None where that is not known.
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
    seen: str | None = None

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
    level: str


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
    level: str


@dataclass(frozen=True, slots=True)
class Rescanned:
    """What a full search was and what it found.

    ``resumed`` is how many of its tasks an earlier run had done; ``missing`` and ``wrong`` count what the store had
    not, and what it had and should not. Pairs up to an MSE of ``remembered`` were stored before, up to ``mse`` now.
    """

    images: int
    mse: float
    remembered: float
    algorithm: str
    tasks: int
    resumed: int
    pairs: int
    missing: int
    wrong: int
