"""Hits: the pairs of tensors within the limit, many in one array."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.distance import TURNS

HIT = np.dtype(
    [
        ("a", np.int64),
        ("b", np.int64),
        ("sse", np.int64),
        ("rotation", np.int16),
        ("rotation_back", np.int16),
        ("sse_upright", np.int64),
    ]
)
"""One hit: two ids, a < b, and the distances of their tensors.

``sse`` is the smallest sum of squared errors over the four turns, reached when *b* is turned by ``rotation``
degrees counter-clockwise (the smallest such angle); ``rotation_back`` is the same for *a* turned onto *b*;
``sse_upright`` is the sum without turning, or `BEYOND` where that exceeds the limit.
"""

Hits = NDArray[np.void]
"""A one-dimensional array of `HIT`."""

BEYOND = -1

Cut = tuple[float, int]
"""Brightness and id of the first tensor of a block."""

Task = tuple[int, int]
"""The numbers of two blocks, the smaller first; equal for the pairs within one block."""

# Turning b by t onto a is turning a by -t onto b: the same four distances, seen from the other side.
_FROM_B = [0, 3, 2, 1]
_DEGREES = np.array(TURNS, np.int16)


def hits_within(a: NDArray[np.int64], b: NDArray[np.int64], distances: NDArray[np.integer], limit: int) -> Hits:
    """Return hits for the pairs that are within the limit.

    Parameters
    ----------
    a, b : ndarray of int64, shape (n,)
        Ids, in either order; the two ids of a pair differ.
    distances : ndarray of integers, shape (n, 4) or (n, 1)
        Between *a* and *b* turned by each of `TURNS`; one column where nothing is turned. A turn beyond the
        limit may have any value that is beyond the limit.
    limit
        Largest sum of squared errors.
    """
    within = distances.min(axis=1, initial=np.iinfo(distances.dtype).max) <= limit
    a, b, distances = a[within], b[within], distances[within]
    swapped = a > b
    if distances.shape[1] == len(TURNS):
        distances = np.where(swapped[:, None], distances[:, _FROM_B], distances)
        back = distances[:, _FROM_B].argmin(axis=1)
    else:
        back = np.zeros(len(a), np.intp)
    best = distances.argmin(axis=1) if len(a) else back
    hits = np.empty(len(a), HIT)
    hits["a"], hits["b"] = np.where(swapped, b, a), np.where(swapped, a, b)
    hits["sse"] = distances[np.arange(len(a)), best]
    hits["rotation"], hits["rotation_back"] = _DEGREES[best], _DEGREES[back]
    hits["sse_upright"] = np.where(distances[:, 0] <= limit, distances[:, 0], BEYOND)
    return hits


def joined(parts: Iterable[Hits]) -> Hits:
    """Join arrays of hits into one."""
    return np.concatenate([np.empty(0, HIT), *parts])
