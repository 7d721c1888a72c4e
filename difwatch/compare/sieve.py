"""Which pairs of two tiles may be within a limit: every pair, by matrix products of low frequencies.

Pages of text, codes and noise differ in what a sketch leaves out. Their low frequencies, several hundred of them,
tell nearly all of them apart, for a fraction of a product of all pixels.

**Why nothing is missed.** The rows of the cosine transform are orthonormal, so the distance of two rows of low
frequencies is no longer than that of what they stand for; and so is that of their first columns. For rows a and b,
extended to (a, -|a|^2 / 2, 1) and (b, 1, -|b|^2 / 2), the product is -|a - b|^2 / 2.

**All orientations for the price of two.** Turning and mirroring permute and negate frequencies, as told in
`difwatch.compare.sketch`: half of the orientations leave frequency (u, v) in its place, the others exchange u and v,
and the sign depends only on which of them are odd. So for each half there are four products, of the frequencies of
one parity, and each orientation is a sum of these.

**What rounding may add.** With u = 2**-24 and |x| the length of a row of pixels relative to 128, each frequency is a
sum over nested sums of px, px and at most three products in float32, so it is within (2 px + 8) u |x| of the true
one, and n of them are within sqrt(n) times that. The product over n + 2 columns is, in any order, within
2 (n + 4) u (|a| + |b|)^2 of its true value. Both are allowed for, the latter twice.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.orientation import ALL
from difwatch.compare.sketch import cosines, extended, moved, squared

_FEW, _MANY = 8, 24  # frequencies along each side
_LEFT = 0.01  # of the pairs, up to which it is cheaper to compute their distances
_UNIT = 2.0**-24
_PARITIES = ((0, 0), (0, 1), (1, 0), (1, 1))


class _Effect(NamedTuple):
    """What an orientation does to frequencies: whether it exchanges them, and the sign of each parity."""

    exchanges: bool
    signs: tuple[int, ...]

    @classmethod
    def of(cls, orientation: int) -> _Effect:
        (_, source, _), _ = moved((0, 1, 0), orientation)
        return cls(not source, tuple(moved((0, u, v), orientation)[1] for u, v in _PARITIES))


_EFFECTS = tuple(map(_Effect.of, ALL))


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

    def __len__(self) -> int:
        return len(self._rows)

    def first(self, count: int) -> NDArray[np.float32]:
        """Return some frequencies along each side, shape (n, count, count), or less where there are not as many."""
        return self._lowest[:, :count, :count]

    def error(self, count: int) -> float:
        """Return how far rows of such frequencies are at most from the true ones."""
        longest = 128 * math.sqrt(self._rows.shape[1])
        return count * (2 * self._px + 8) * _UNIT * longest

    @functools.cached_property
    def _lowest(self) -> NDArray[np.float32]:
        basis = cosines(self._px, min(_MANY, self._px)).astype(np.float32)
        lowest: NDArray[np.float32] = np.matmul(basis @ self._brightness(), basis.T)
        return lowest

    def _brightness(self) -> NDArray[np.float32]:
        shape = (len(self._rows), self._px, self._px, self._channels)
        values: NDArray[np.float32] = self._rows.reshape(shape).sum(axis=3, dtype=np.float32)
        values -= 128 * self._channels
        values /= np.float32(math.sqrt(self._channels))
        return values


def serves(values: int, channels: int) -> bool:
    """Tell whether rows of so many values are so long that a sieve is worth its cost."""
    return values >= 4 * channels * _MANY * _MANY


def possible(a: LowFrequencies, b: LowFrequencies, orientations: Sequence[int], limit: int) -> Pairs | None:
    """Return the pairs that may be within the limit; None if these are so many that a product is cheaper.

    Parameters
    ----------
    a, b
        Two tiles.
    orientations
        In which *b* is compared.
    limit
        Largest sum of squared errors of rows.
    """
    most = _LEFT * len(orientations) * len(a) * len(b)
    for count in (_FEW, _MANY):
        least = _least(a, b, count, limit)
        products = _products(a.first(count), b.first(count), orientations)
        found = [np.divmod(np.flatnonzero(near >= least), max(1, len(b))) for near in products]
        if sum(len(row) for row, _ in found) <= most:
            number = np.repeat(np.arange(len(orientations)), [len(row) for row, _ in found])
            row, column = (np.concatenate(parts) for parts in zip(*found, strict=True))
            return Pairs(number, row, column)
    return None


def _least(a: LowFrequencies, b: LowFrequencies, count: int, limit: int) -> float:
    """Return half of the negative squared distance up to which rows may be within the limit."""
    reach = math.sqrt(limit) + a.error(count) + b.error(count)
    longest = sum(float(np.linalg.norm(rows.first(count), axis=(1, 2)).max(initial=0)) for rows in (a, b))
    rounding = 4 * (count**2 + 4) * _UNIT * longest**2
    return -(squared(reach) / 2 + rounding)


def _products(
    a: NDArray[np.float32], b: NDArray[np.float32], orientations: Sequence[int]
) -> Iterator[NDArray[np.float32]]:
    """Yield half of the negative squared distances (n, m) in each orientation."""
    parts: dict[bool, list[NDArray[np.float32]]] = {}
    for orientation in orientations:
        exchanges, signs = _EFFECTS[orientation]
        if exchanges not in parts:
            parts[exchanges] = _by_parity(a, b.swapaxes(1, 2) if exchanges else b)
        total = parts[exchanges][0].copy()
        for product, sign in zip(parts[exchanges][1:], signs[1:], strict=True):
            (np.add if sign > 0 else np.subtract)(total, product, out=total)
        yield total


def _by_parity(a: NDArray[np.float32], b: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return the products over the frequencies of each parity; the first, never subtracted, has the lengths."""
    products: list[NDArray[np.float32]] = []
    for down, across in _PARITIES:
        ours, theirs = (_flat(rows[:, down::2, across::2]) for rows in (a, b))
        if not products:
            ours, theirs = extended(ours, True, _flat(a)), extended(theirs, False, _flat(b))
        products.append(ours @ theirs.T)
    return products


def _flat(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows.reshape(len(rows), rows.shape[1] * rows.shape[2])
