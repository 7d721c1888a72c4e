"""Sketches: a few numbers for each tensor or tone, whose distance never exceeds that of what they stand for.

Each number is a coordinate along one of some orthonormal directions: low frequencies of the two-dimensional cosine
transform (DCT-II). What the directions are, and why no difference gets longer, is told where they are defined:
`difwatch.compare.tensor_sketch` and `difwatch.compare.tone_sketch`.

**Turning and mirroring.** For the quarter turn, counter-clockwise, coefficient (u, v) of the turned tensor is (-1)^u
times coefficient (v, u) of the tensor; mirrored left to right, it is (-1)^v times coefficient (u, v). The directions
are closed under this, so the sketches of the other orientations are obtained by permuting and negating numbers,
without any rounding.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.orientation import ALL, MIRRORED

Direction = tuple[int, int, int]
"""A colour, and the frequencies down the rows and along the columns."""


@dataclass(frozen=True, slots=True, eq=False)
class SketchKind:
    """What the numbers of a sketch are.

    Attributes
    ----------
    size
        Their number.
    level
        Index of a number that no orientation changes; full searches are cut into blocks by it.
    across, down
        Indices of the slope of the brightness along the columns and down the rows.
    tree
        Indices of the numbers that vary most; the search tree uses them.
    cells
        Indices of the curvature of the brightness along the columns and down the rows; a grid has cells by it.
    source, sign
        A sketch in another orientation is ``sketch[source[orientation]] * sign[orientation]``. Shape (8, size).
    """

    size: int
    level: int
    across: int
    down: int
    tree: tuple[int, ...]
    cells: tuple[int, int]
    source: NDArray[np.intp]
    sign: NDArray[np.float32]

    @classmethod
    def of(
        cls, directions: Sequence[Direction], tree: Sequence[Direction], level: int, unchanged: int = 0
    ) -> SketchKind:
        """Return the kind of sketches along some directions, followed by numbers that no orientation changes."""
        total = len(directions) + unchanged
        source, sign = np.empty((len(ALL), total), np.intp), np.ones((len(ALL), total), np.float32)
        for orientation in ALL:
            sources = [moved(direction, orientation) for direction in directions]
            source[orientation] = [*(directions.index(one) for one, _ in sources), *range(len(directions), total)]
            sign[orientation, : len(directions)] = [negated for _, negated in sources]
        across, down = directions.index((0, 0, 1)), directions.index((0, 1, 0))
        cells = directions.index((0, 0, 2)), directions.index((0, 2, 0))
        return cls(total, level, across, down, tuple(map(directions.index, tree)), cells, source, sign)

    def oriented(self, rows: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
        """Return the sketches (n, size) of the same pictures in another orientation."""
        moved: NDArray[np.float32] = rows[:, self.source[orientation]] * self.sign[orientation]
        return moved


def moved(direction: Direction, orientation: int) -> tuple[Direction, int]:
    """Return which coefficient of a picture becomes that of the oriented picture, and with which sign."""
    (colour, u, v), sign = direction, 1
    for _ in range(orientation % 4):
        u, v, sign = v, u, sign * (-1) ** u
    return (colour, u, v), sign * (-1) ** v if orientation in MIRRORED else sign


class Block(NamedTuple):
    """Pictures: their ids (n,), in any order, and sketches (n, size)."""

    ids: NDArray[np.int64]
    rows: NDArray[np.float32]

    def part(self, start: int, stop: int) -> Block:
        """Return the pictures from ``start`` up to ``stop``."""
        return Block(self.ids[start:stop], self.rows[start:stop])


@functools.lru_cache(maxsize=8)
def cosines(px: int, frequencies: int) -> NDArray[np.float64]:
    """Return the first rows of the orthonormal DCT-II, shape (frequencies, px)."""
    position = (2 * np.arange(px) + 1) * (math.pi / (2 * px))
    rows = np.cos(np.arange(frequencies)[:, None] * position) * math.sqrt(2 / px)
    rows[0] = math.sqrt(1 / px)
    return rows


def squared(reach: float) -> float:
    """Return the square of a radius, rounded up so that nothing within the radius is excluded."""
    return reach * reach * (1 + 2**-47)


def within(a: NDArray[np.float32], b: NDArray[np.float32], reach: float) -> NDArray[np.bool_]:
    """Tell row by row whether two sketches are within ``reach`` of each other, computed in float64."""
    difference = a.astype(np.float64)
    difference -= b
    squares: NDArray[np.float64] = np.einsum("ij,ij->i", difference, difference)
    return squares <= squared(reach)


def extended(rows: NDArray[np.float32], last: bool, whole: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Return rows (n, k) with half of their negative squared length and a one appended, in either order.

    The product of a row extended in one order and of one in the other is half of their negative squared distance.
    Where rows are some columns of ``whole`` rows, those have the length.
    """
    whole = rows if whole is None else whole
    half = -np.vecdot(whole, whole)[:, None] / np.float32(2)
    one = np.ones_like(half)
    return np.concatenate([rows, *((one, half) if last else (half, one))], axis=1)
