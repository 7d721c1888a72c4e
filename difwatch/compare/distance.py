"""The exact distance between two tensors or tones, decided in integers alone."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

FAR = int(np.iinfo(np.int64).max)
"""Stands for a distance that is known to be beyond the limit, and therefore not computed."""

_BYTES_AT_ONCE = 1 << 19  # of both sides: as much as stays in the nearest caches
_FLOAT32_EXACT = 1 << 24


def limit_of(error: float, values: int) -> int:
    """Return the largest sum of squared errors within a mean error: ``floor(error * values)``; -1 below zero.

    The error counts as the decimal number of its shortest text, so 0.29 on 100 values is 29 and not the
    28.999... of binary floats.

    Parameters
    ----------
    error
        Mean squared error of tensors, 0 to 65025, or of tones, 0 to 4. Below zero: nothing is within it.
    values
        By what the sum is divided to give it: the number of values in a tensor, ``3 * px**2``, or for tones
        ``256 * px**2``.
    """
    return math.floor(Fraction(str(error)) * values) if error >= 0 else -1


def sse_rows(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the sum of squared errors row by row.

    Exact. The squares are first added in float32. While a sum stays below 2**24, all its parts are integers that
    float32 holds, so nothing is rounded. In any order, the computed sum of d non-negative terms is no less than
    (1 - d * 2**-24) times their true sum; so a computed sum below 2**24 * (1 - d * 2**-24) proves that the true
    sum is below 2**24. The other sums are computed again in float64, which holds integers up to 2**53, the sum
    of 138 billion squares.

    Parameters
    ----------
    a, b : ndarray of uint8, shape (n, d)

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    count, values = a.shape
    sums = np.empty(count, np.int64)
    step = max(1, _BYTES_AT_ONCE // (2 * values))
    surely_exact = _FLOAT32_EXACT - values - 1
    for start in range(0, count, step):
        rows = slice(start, start + step)
        difference = a[rows].astype(np.int16)
        difference -= b[rows]
        squares = difference.astype(np.float32)
        quick = np.vecdot(squares, squares)
        sums[rows] = quick
        for row in np.flatnonzero(quick >= surely_exact):
            exactly = difference[row].astype(np.float64)
            sums[start + row] = np.dot(exactly, exactly)
    return sums
