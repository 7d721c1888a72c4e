"""Recipes, folders, and what counts as a match."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from difwatch.model.pictures import Level

MSE_MOST = 65025
"""The largest possible mean squared error: that of black and white."""

NMSE_MOST = 4.0
"""The largest possible normalised mean squared error: that of a tone and its negative."""

InFolder = bool | Literal["every"]
"""False: the union of all folders; True: the folder by itself; "every": each of its directories by itself."""

Measure = Literal["mse", "nmse"]
"""By what a store is searched: the mean squared error of the tensors, or the normalised one of the tones."""

Algorithm = Literal["auto", "classic", "chunked"]
"""How a full search is done: all tensors in memory, a few at a time, or chosen by their number."""

KeepRule = Literal["pixels", "original", "bytes", "oldest", "newest", "folder", "path"]
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
    versions, snapshots: `difwatch.tree.private`) that are read nevertheless. ``position`` is the place among the
    folders that are configured.
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
    position: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides which stored pairs count as matches; the defaults are those of difPy.

    ``nmse`` is the largest normalised mean squared error of a match; None: only the mean squared error counts. With
    ``edited``, pictures within ``nmse`` match whatever their mean squared error. ``act_on`` is the least alike of
    which the lesser one may go; with ``act_on_shots`` also where both were taken at different moments.
    """

    threshold: float = 5.0
    rotate: bool = True
    same_dim: bool = True
    keep: tuple[KeepRule, ...] = ("pixels", "bytes", "oldest", "path")
    compare_references: bool = True
    nmse: float | None = None
    edited: bool = False
    mirror: bool = False
    act_on: Level = "similar"
    act_on_shots: bool = True


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which pairs of distinct pictures match, if no folder is stricter.

    ``limit`` is the largest sum of squared errors of tensors, ``tone_limit`` that of tones (None: any).
    """

    limit: int
    tone_limit: int | None = None
    rotate: bool = True
    mirror: bool = False
    edited: bool = False


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
    mirror: bool | None = None
    act_on: Level | None = None

    def over(self, stored: Settings) -> Settings:
        """Return the settings to read by, where the store was last kept by ``stored``."""
        names = ("threshold", "rotate", "same_dim", "mirror", "act_on")
        wanted = {name: getattr(self, name) for name in names}
        given = {name: value for name, value in wanted.items() if value is not None}
        return replace(self.configured or stored, **given)


AS_CONFIGURED = Asked()
"""What a person asks for who asks for nothing."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The error up to which all pairs of a recipe are stored: an MSE or an NMSE, as the store is searched.

    ``error`` is searched, ``wanted`` is configured. Below zero, no pair is known. If ``wanted`` is larger, a full
    search is to raise ``error``, unless an earlier one found more than ``most`` pairs; otherwise ``most`` is None.
    """

    error: float
    wanted: float
    most: int | None = None

    @property
    def is_behind(self) -> bool:
        """Whether a full search is to raise ``error``."""
        return self.error < self.wanted and self.most is None


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What a store works with: a recipe by its id, name and tensor side, and by what and how far it is searched."""

    recipe_id: int
    recipe: str
    px: int
    remembered: Remembered
    measure: Measure = "mse"

    @property
    def values(self) -> int:
        """The number of values in a tensor: ``3 * px ** 2``."""
        return 3 * self.px * self.px

    @property
    def scale(self) -> int:
        """By what a sum of squared errors is divided to give the error that the store is searched by."""
        return self.values if self.measure == "mse" else tone_values(self.px)


def tone_values(px: int) -> int:
    """Return by what a sum of squared errors of tones is divided to give their normalised mean squared error."""
    return 256 * px * px
