"""Recipes, folders, and what counts as a match."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

MSE_MOST = 65025
"""The largest possible mean squared error: that of black and white."""

InFolder = bool | Literal["every"]
"""False: the union of all folders; True: the folder by itself; "every": each of its directories by itself."""

Algorithm = Literal["auto", "classic", "chunked"]
"""How a full search is done: all tensors in memory, a few at a time, or chosen by their number."""

KeepRule = Literal["pixels", "bytes", "oldest", "newest", "path"]
Role = Literal["normal", "reference"]
WatchMode = Literal["auto", "inotify", "poll"]

_NAMED = {"duplicates": 0.0, "similar": 5.0, "normal": 20.0, "loose": 50.0}


def similarity_mse(value: object) -> float:
    """Return the mean squared error of a similarity, which is a name or a number from 0 to 65025.

    Raises
    ------
    ValueError
        The value is neither.
    """
    if isinstance(value, str) and value in _NAMED:
        return _NAMED[value]
    try:
        mse = float(value) if not isinstance(value, bool) else -1.0  # type: ignore[arg-type]
    except (TypeError, ValueError):
        mse = -1.0
    if not 0 <= mse <= MSE_MOST:
        names = ", ".join(f'"{name}"' for name in _NAMED)
        raise ValueError(f"must be {names} or a mean squared error from 0 to {MSE_MOST}")
    return mse


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
        """The number of values in a tensor: ``3 * px ** 2``."""
        return 3 * self.px * self.px


@dataclass(frozen=True, slots=True)
class Folder:
    """A watched folder and how its pictures are to be compared.

    ``exclude`` and ``include`` are gitignore patterns: of what is not read, and of private places (waste baskets,
    versions, snapshots: `difwatch.tree.private`) that are read nevertheless.
    """

    path: bytes
    recursive: bool = True
    in_folder: InFolder = False
    limit_extensions: bool = True
    role: Role = "normal"
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    watch: WatchMode = "auto"
    similarity: float | None = None
    keep: tuple[KeepRule, ...] | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides which stored pairs count as matches."""

    threshold: float = 5.0
    rotate: bool = True
    same_dim: bool = True
    keep: tuple[KeepRule, ...] = ("pixels", "bytes", "oldest", "path")
    compare_references: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for when matches are read; None leaves what is configured.

    ``configured`` is what the configuration says now, if that is not what the store was last kept by. ``threshold``
    is a mean squared error for all folders.
    """

    configured: Settings | None = None
    threshold: float | None = None
    rotate: bool | None = None
    same_dim: bool | None = None

    def over(self, stored: Settings) -> Settings:
        """Return the settings to read by, where the store was last kept by ``stored``."""
        wanted = {"threshold": self.threshold, "rotate": self.rotate, "same_dim": self.same_dim}
        given = {name: value for name, value in wanted.items() if value is not None}
        return replace(self.configured or stored, **given)  # type: ignore[arg-type]


AS_CONFIGURED = Asked()
"""What a person asks for who asks for nothing."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The mean squared error up to which all pairs of a recipe are stored.

    ``mse`` is searched, ``wanted`` is configured. If ``wanted`` is larger, a full search is to raise ``mse``, unless
    an earlier one found more than ``most`` pairs; otherwise ``most`` is None.
    """

    mse: float
    wanted: float
    most: int | None = None

    @property
    def is_behind(self) -> bool:
        """Whether a full search is to raise ``mse``."""
        return self.mse < self.wanted and self.most is None


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What a store works with: a recipe by its id, name and tensor side, and how far pairs are remembered."""

    recipe_id: int
    recipe: str
    px: int
    remembered: Remembered

    @property
    def values(self) -> int:
        """The number of values in a tensor: ``3 * px ** 2``."""
        return 3 * self.px * self.px
