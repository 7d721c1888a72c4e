"""The sketch of a tone: 32 numbers whose distance never exceeds that of the tones.

Tones that match are farther apart than tensors that do, in proportion to how they spread, so a sketch needs more
numbers to exclude as much: 31 low frequencies, and the length of all that they leave out.

**Why it never lengthens a difference.** With the 31 orthonormal directions S and further rows R that complete them to
an orthonormal basis, as in `difwatch.compare.tensor_sketch`, a sketch is (Sx, |Rx|). By the triangle inequality

    |Sa - Sb|^2 + (|Ra| - |Rb|)^2 <= |S(a - b)|^2 + |R(a - b)|^2 = |a - b|^2.

No orientation changes |Rx|, because the directions S are closed under turning and mirroring.

**What rounding may add.** With u = 2**-53 and |x| <= 128 px, a coefficient is within e = (2 px + 256) u |x| of the
true one, as there without the colours, and float32 adds at most 2**-24 |x|. The square of |Rx| is the exact |x|^2
less the computed squares. Their sum is within 2 sqrt(31) e |x| + 64 u |x|^2 of the true one, so |Rx| is within the
root of that. Two sketches are therefore within

    margin(px) = 2 * (sqrt(31) (e + 2**-24 |x|) + sqrt(2 sqrt(31) e |x| + 64 u |x|^2) + 2**-24 |x|)

of their true difference.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.sketch import SketchKind, cosines

# The largest spread over crops of photographs first.
_DIRECTIONS = (
    (0, 0, 1), (0, 1, 0), (0, 0, 2), (0, 2, 0), (0, 0, 3), (0, 3, 0), (0, 1, 1), (0, 0, 4), (0, 4, 0), (0, 1, 2),
    (0, 2, 1), (0, 2, 2), (0, 0, 5), (0, 5, 0), (0, 1, 3), (0, 3, 1), (0, 0, 6), (0, 6, 0), (0, 2, 3), (0, 3, 2),
    (0, 1, 4), (0, 4, 1), (0, 0, 7), (0, 7, 0), (0, 2, 4), (0, 4, 2), (0, 1, 5), (0, 5, 1), (0, 3, 3), (0, 2, 5),
    (0, 5, 2),
)  # fmt: skip
_FREQUENCIES = 1 + max(max(u, v) for _, u, v in _DIRECTIONS)

_TREE = _DIRECTIONS[:8]  # measured: 6 find too much among noise, 10 slow the tree down among photographs

TONE_SKETCH = SketchKind.of(_DIRECTIONS, _TREE, level=len(_DIRECTIONS), unchanged=1)
"""The level is the length of what the other numbers leave out."""


def tone_sketches(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the sketches of tones.

    Parameters
    ----------
    rows : ndarray of uint8, shape (n, px * px)

    Returns
    -------
    ndarray of float32, shape (n, 32)
    """
    count, px = len(rows), math.isqrt(rows.shape[1])
    values = rows.astype(np.float64) - 128
    basis = cosines(px, _FREQUENCIES)
    low = basis @ values.reshape(count, px, px) @ basis.T
    _, us, vs = np.array(_DIRECTIONS).T
    kept = low[:, us, vs]
    left = np.vecdot(values, values) - np.vecdot(kept, kept)
    out = np.empty((count, TONE_SKETCH.size), np.float32)
    out[:, :-1], out[:, -1] = kept, np.sqrt(np.maximum(left, 0))
    return out


def tone_radius(limit: int, px: int) -> float:
    """Return the largest distance of two stored sketches whose tones are within ``limit`` of each other."""
    longest, count = 128.0 * px, math.sqrt(len(_DIRECTIONS))
    error = (2 * px + 256) * 2**-53 * longest
    left = math.sqrt(2 * count * error * longest + 64 * 2**-53 * longest**2)
    margin = 2 * (count * (error + 2**-24 * longest) + left + 2**-24 * longest)
    return (math.sqrt(limit) + margin) * (1 + 2**-47)
