"""The sketch of a tensor: sixteen numbers whose distance never exceeds that of the tensors.

The directions are low frequencies in a basis of brightness and two colour differences.

**Why it never lengthens a difference.** Let S be the 16 x d matrix of the directions. The one-dimensional
DCT-II vectors are orthonormal, and so are the rows of ``_COLOURS``. A direction is the outer product of a
row vector, a column vector and a colour vector, and the inner product of two outer products is the product
of the inner products of their parts: 1 for equal directions, 0 for different ones. So the rows of S are
orthonormal, and completing them to an orthonormal basis of the whole space with further rows R gives

    |x|^2 = |Sx|^2 + |Rx|^2 >= |Sx|^2        for every x, in particular for x = a - b.

Hence ``|Sa - Sb|^2 > limit`` proves ``SSE(a, b) > limit``.

**What rounding may add.** With u = 2**-53: an entry of S is the product of three computed factors, each within
64 u of the true one, and is at most 2/px in size; a coefficient is a sum over d = 3 px^2 products in nested
sums of lengths px, px and 3; |x| <= 255 sqrt(d). By the Cauchy-Schwarz inequality the coefficient is within
(2 px + 3 + 256) u * |x| * sqrt(3) of the true one, and storing it as float32 adds at most 2**-24 of its
size, itself at most |x|. Two sketches of 16 such coefficients are therefore within

    margin(px) = 2 * sqrt(16) * |x| * (2**-24 + (2 px + 259) * sqrt(3) * 2**-53)

of their true difference. The distance between two stored sketches is computed in float64, to a relative
error below 32 u. ``radius`` allows for both.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.sketch import SketchKind, cosines

# Orthonormal rows: brightness, red against blue, green against both.
_COLOURS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])

_DIRECTIONS = (
    (0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (2, 0, 0), (0, 1, 1), (0, 0, 2), (0, 2, 0),
    (0, 1, 2), (0, 2, 1), (1, 0, 1), (1, 1, 0), (2, 0, 1), (2, 1, 0), (0, 0, 3), (0, 3, 0),
)  # fmt: skip
_FREQUENCIES = 1 + max(max(u, v) for _, u, v in _DIRECTIONS)

# Those with the largest spread over photographs. More would slow the tree down: the rest refines its result.
_TREE = ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 0, 2), (0, 2, 0))

TENSOR_SKETCH = SketchKind.of(_DIRECTIONS, _TREE, level=_DIRECTIONS.index((0, 0, 0)))
"""The level is the brightness."""


def tensor_sketches(tensors: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the sketches of tensors.

    Parameters
    ----------
    tensors : ndarray of uint8, shape (n, px, px, 3)

    Returns
    -------
    ndarray of float32, shape (n, 16)
    """
    count, px = tensors.shape[:2]
    rows = cosines(px, _FREQUENCIES)
    down = rows @ tensors.reshape(count, px, px * 3).astype(np.float64)
    low = rows @ down.reshape(count * _FREQUENCIES, px, 3) @ _COLOURS.T
    colours, us, vs = np.array(_DIRECTIONS).T
    return low.reshape(count, _FREQUENCIES, _FREQUENCIES, 3)[:, us, vs, colours].astype(np.float32)


def tensor_radius(limit: int, px: int) -> float:
    """Return the largest distance of two stored sketches whose tensors are within ``limit`` of each other."""
    longest = 255 * math.sqrt(3) * px
    margin = 2 * math.sqrt(TENSOR_SKETCH.size) * longest * (2**-24 + (2 * px + 259) * math.sqrt(3) * 2**-53)
    return (math.sqrt(limit) + margin) * (1 + 2**-47)
