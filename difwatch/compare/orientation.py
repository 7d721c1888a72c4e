"""The eight orientations of a square, by number: 0 to 3 quarter turns, and 4 to 7 mirrored first, then turned.

Turns are counter-clockwise, and mirroring exchanges left and right. The order is that in which orientations are
preferred where their errors are equal: unmirrored before mirrored, then the smallest angle.
"""

from __future__ import annotations

import functools
import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Pixel = TypeVar("Pixel", bound=np.generic)

_TABLE_AT_MOST = 1 << 20  # values; a larger table takes more memory than what it is for

ALL = tuple(range(8))
"""Every orientation."""

TURNS = (0, 1, 2, 3)
"""The orientations that are not mirrored."""

MIRRORED = (4, 5, 6, 7)
"""The orientations that are mirrored."""

DEGREES = np.array([0, 90, 180, 270] * 2, np.int16)
"""How far each orientation turns."""


def _after(second: int, first: int) -> int:
    # Mirroring exchanges the direction of the turns before it.
    turn = second + (-first if second in MIRRORED else first)
    return turn % 4 + 4 * ((second in MIRRORED) != (first in MIRRORED))


AFTER = np.array([[_after(second, first) for first in ALL] for second in ALL])
"""``AFTER[second, first]`` is the orientation that has the effect of one after the other."""

INVERSE = np.array([list(AFTER[:, number]).index(0) for number in ALL])
"""The orientation that undoes each orientation."""


def admitted(rotate: bool, mirror: bool) -> tuple[int, ...]:
    """Return the orientations in which pictures are compared."""
    turns = TURNS if rotate else TURNS[:1]
    return (*turns, *(4 + turn for turn in turns)) if mirror else turns


def oriented(tensor: NDArray[Pixel], orientation: int) -> NDArray[Pixel]:
    """Mirror and turn tensors of shape (..., px, px, channels)."""
    if orientation in MIRRORED:
        tensor = np.flip(tensor, axis=-2)
    return np.rot90(tensor, orientation % 4, axes=(-3, -2))


@functools.lru_cache(maxsize=32)
def _places(px: int, channels: int, orientation: int) -> NDArray[np.intp]:
    places = np.arange(channels * px * px).reshape(px, px, channels)
    return oriented(places, orientation).reshape(-1)


def oriented_rows(rows: NDArray[np.uint8], orientation: int, channels: int) -> NDArray[np.uint8]:
    """Mirror and turn tensors that are laid out as rows (n, px * px * channels)."""
    if orientation == 0:
        return rows
    if rows.shape[1] > _TABLE_AT_MOST:
        side = math.isqrt(rows.shape[1] // channels)
        return oriented(rows.reshape(-1, side, side, channels), orientation).reshape(rows.shape)
    # Indexing by a table is three times as fast as copying the result of rot90.
    return np.take(rows, _places(math.isqrt(rows.shape[1] // channels), channels, orientation), axis=1)
