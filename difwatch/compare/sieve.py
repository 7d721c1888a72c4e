"""Which pairs of two tiles may be within a limit: every pair, by matrix products of low frequencies.

Pages of text, codes and noise differ in what a sketch leaves out. Their low frequencies, several hundred of them,
tell nearly all of them apart, for a fraction of a product of all pixels.

**Why nothing is missed.** The rows of the cosine transform are orthonormal, so the distance of two rows of low
frequencies is no longer than that of what they stand for; and so is that of their first columns. For rows a and b,
extended to (a, -|a|^2 / 2, 1) and (b, 1, -|b|^2 / 2), the product is -|a - b|^2 / 2.

**What rounding may add.** With u = 2**-24 and |x| the length of a row of pixels relative to 128, each frequency is a
sum over nested sums of px, px and at most three products in float32, so it is within (2 px + 8) u |x| of the true
one, and n of them are within sqrt(n) times that. The product over n + 2 columns is, in any order, within
2 (n + 4) u (|a| + |b|)^2 of its true value. Both are allowed for, the latter twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.sketch import cosines, extended, squared

_FEW, _MANY = 8, 24  # frequencies along each side
_LEFT = 0.01  # of the pairs, up to which it is cheaper to compute their distances
_UNIT = 2.0**-24


class Pairs(NamedTuple):
    """Pairs of two tiles: ``b[column[i]]`` in the orientation at place ``number[i]`` may match ``a[row[i]]``."""

    number: NDArray[np.intp]
    row: NDArray[np.intp]
    column: NDArray[np.intp]


class LowFrequencies:
    """The low frequencies of the brightness of rows of pixels.

    Parameters
    ----------
    rows : ndarray of uint8, shape (n, channels * px * px)
    channels
        Values of a pixel.
    """

    def __init__(self, rows: NDArray[np.uint8], channels: int) -> None:
        self._rows = rows
        self._channels = channels
        self._px = math.isqrt(rows.shape[1] // channels)
        self._known: dict[int, NDArray[np.float32]] = {}

    def first(self, frequencies: int) -> NDArray[np.float32]:
        """Return the columns of some frequencies along each side."""
        if frequencies not in self._known:
            basis = cosines(self._px, min(frequencies, self._px)).astype(np.float32)
            low = np.matmul(basis @ self._brightness, basis.T, dtype=np.float32)
            self._known[frequencies] = low.reshape(len(self._rows), len(basis) ** 2)
        return self._known[frequencies]

    def __len__(self) -> int:
        return len(self._rows)

    def error(self, frequencies: int) -> float:
        """Return how far computed columns are at most from the true ones."""
        longest = 128 * math.sqrt(self._rows.shape[1])
        return frequencies * (2 * self._px + 8) * _UNIT * longest

    @property
    def _brightness(self) -> NDArray[np.float32]:
        shape = (len(self._rows), self._px, self._px, self._channels)
        values: NDArray[np.float32] = self._rows.reshape(shape).sum(axis=3, dtype=np.float32)
        values -= 128 * self._channels
        values /= np.float32(math.sqrt(self._channels))
        return values


def serves(values: int, channels: int) -> bool:
    """Tell whether rows of so many values are so long that a sieve is worth its cost."""
    return values >= 4 * channels * _MANY * _MANY


def possible(a: LowFrequencies, oriented: Sequence[LowFrequencies], limit: int) -> Pairs | None:
    """Return the pairs that may be within the limit; None if these are so many that a product is cheaper.

    Parameters
    ----------
    a
        A tile.
    oriented
        Another tile in some orientations.
    limit
        Largest sum of squared errors of rows.
    """
    most = _LEFT * sum(len(a) * len(b) for b in oriented)
    for frequencies in (_FEW, _MANY):
        found = [_near(a, b, frequencies, limit) for b in oriented]
        if sum(len(row) for row, _ in found) <= most:
            number = np.repeat(np.arange(len(oriented)), [len(row) for row, _ in found])
            row, column = (np.concatenate(parts) for parts in zip(*found, strict=True))
            return Pairs(number, row, column)
    return None


def _near(
    a: LowFrequencies, b: LowFrequencies, frequencies: int, limit: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    ours, theirs = a.first(frequencies), b.first(frequencies)
    reach = math.sqrt(limit) + a.error(frequencies) + b.error(frequencies)
    longest = sum(math.sqrt(float(np.vecdot(rows, rows).max(initial=0))) for rows in (ours, theirs))
    rounding = 4 * (ours.shape[1] + 4) * _UNIT * longest**2
    products = extended(ours, last=True) @ extended(theirs, last=False).T
    row, column = np.divmod(np.flatnonzero(products >= -(squared(reach) / 2 + rounding)), max(1, len(theirs)))
    return row, column
