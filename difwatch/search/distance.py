"""The distance between two tensors: integers decide, no float does."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from difwatch.model import Hit

TURNS = (0, 90, 180, 270)
"""Degrees counter-clockwise, in the order in which the distances of the turns are listed."""

# Turning b by t onto a is turning a by -t onto b: the same four distances, seen from the other side.
_FROM_B = [0, 3, 2, 1]


def mse_limit(threshold: float, values: int) -> int:
    """The largest sum of squared errors within a threshold: ``floor(threshold * values)``.

    The threshold is taken as the decimal number that its shortest text says, so that 0.29 on 100 values
    is 29 and not the 28.999... that binary floats make of it.

    Parameters
    ----------
    threshold
        Mean squared error per channel value, 0 to 65025.
    values
        How many values a tensor has.
    """
    return math.floor(Fraction(str(threshold)) * values)


def turned(tensors: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Turn tensors of shape (..., px, px, 3) by ``turn`` quarter turns counter-clockwise."""
    return np.rot90(tensors, turn, axes=(-3, -2))


def sse_rows(one: NDArray[np.uint8], many: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Sum of squared errors between one tensor, or one each, and several.

    Parameters
    ----------
    one : ndarray of uint8, shape (d,) or (n, d)
    many : ndarray of uint8, shape (n, d)

    Returns
    -------
    ndarray of int64, shape (n,)
        Exact: every product is an integer below 2**16, and every sum of up to 75 million of them
        is below 2**53, where float64 still counts in ones.
    """
    difference = many.astype(np.float64)
    difference -= one
    squares: NDArray[np.float64] = np.einsum("ij,ij->i", difference, difference)
    return squares.astype(np.int64)


def sse_of_turns(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Distances between ``a`` and ``b`` turned by 0, 90, 180 and 270 degrees counter-clockwise.

    Parameters
    ----------
    a, b : ndarray of uint8, shape (px, px, 3)

    Returns
    -------
    ndarray of int64, shape (4,)
    """
    return sse_rows(a.reshape(-1), np.stack([turned(b, turn).reshape(-1) for turn in range(4)]))


def hit(a: int, b: int, distances: NDArray[np.int64], limit: int) -> Hit:
    """Make the hit of two ids from the distances between *a* and the four turns of *b*, in either order."""
    if a > b:
        a, b, distances = b, a, distances[_FROM_B]
    turn = int(np.argmin(distances))
    back = int(np.argmin(distances[_FROM_B]))
    upright = int(distances[0])
    return Hit(a, b, int(distances[turn]), TURNS[turn], TURNS[back], upright if upright <= limit else None)
