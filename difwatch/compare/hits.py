"""Hits: the pairs of pictures within the limit, many in one array."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.distance import FAR
from difwatch.compare.orientation import ALL, DEGREES, INVERSE, MIRRORED, TURNS

ERRORS = ("upright", "turned", "mirrored", "mirrored_upright")
"""The sums of squared errors that are kept of tensors and of tones: as they are, the smallest over the four turns,
the smallest over those of the mirrored picture, and that of the mirrored picture as it is."""

ANGLES = ("rotation", "rotation_back", "rotation_mirrored")
"""The angles that are kept: that of ``turned``, the same seen from the other picture, and that of ``mirrored``."""

ANGLES_OF = {"upright": (), "turned": ANGLES[:2], "mirrored": ANGLES[2:], "mirrored_upright": ()}
"""The angles that belong to each error; they are 0 where it is beyond."""

COMPARED = ("sse", "tone")
"""What errors are of: tensors, and tones."""

HIT = np.dtype(
    [("a", np.int64), ("b", np.int64), ("error", np.int64)]
    + [(f"{kind}_{name}", np.int64) for kind in COMPARED for name in ERRORS]
    + [(f"{kind}_{name}", np.int16) for kind in COMPARED for name in ANGLES]
)
"""One hit: two ids, a < b, and their errors as sums of squared errors.

``error`` is that by which the hit was found: no more than the limit. An error is `BEYOND` where it exceeds the limit,
or is not computed. Angles are in degrees counter-clockwise by which *b*, mirrored first if at all, is turned onto
*a*; of equal errors the smallest angle.
"""

Hits = NDArray[np.void]
"""A one-dimensional array of `HIT`."""

BEYOND = -1

Cut = tuple[float, int]
"""Level and id of the first picture of a block."""

Task = tuple[int, int]
"""The numbers of two blocks, the smaller first; equal for the pairs within one block."""


def new_hits(a: NDArray[np.int64], b: NDArray[np.int64]) -> Hits:
    """Return hits between ids, the smaller id of each pair first, whose errors are not computed yet."""
    hits = np.empty(len(a), HIT)
    hits["a"], hits["b"] = np.minimum(a, b), np.maximum(a, b)
    for kind in COMPARED:
        put_errors(hits, kind, np.full((len(a), len(ALL)), FAR))
    return hits


def put_errors(hits: Hits, kind: str, distances: NDArray[np.int64]) -> None:
    """Set the errors of one kind from those in each orientation of *b*, (n, 8); `FAR` is `BEYOND`."""
    turned, mirrored = distances[:, : len(TURNS)], distances[:, MIRRORED[0] :]
    errors = (distances[:, 0], turned.min(axis=1), mirrored.min(axis=1), distances[:, MIRRORED[0]])
    for name, error in zip(ERRORS, errors, strict=True):
        hits[f"{kind}_{name}"] = np.where(error == FAR, BEYOND, error)
    # Mirrored, either picture is turned onto the other by the same angle.
    best = (turned, distances[:, INVERSE[list(TURNS)]], mirrored)
    for name, angle in zip(ANGLES, best, strict=True):
        hits[f"{kind}_{name}"] = DEGREES[angle.argmin(axis=1)] if len(hits) else 0


def hits_within(a: NDArray[np.int64], b: NDArray[np.int64], distances: NDArray[np.int64], limit: int) -> Hits:
    """Return hits for the pairs of tensors that are within the limit.

    Parameters
    ----------
    a, b : ndarray of int64, shape (n,)
        Ids, in either order; the two ids of a pair differ.
    distances : ndarray of int64, shape (n, 8)
        Between *a* and *b* in each orientation; `FAR` where that is not admitted. One beyond the limit may have any
        value that is beyond the limit.
    limit
        Largest sum of squared errors.
    """
    kept = distances.min(axis=1) <= limit if len(a) else np.zeros(0, bool)
    a, b, distances = a[kept], b[kept], distances[kept]
    distances = np.where(distances <= limit, distances, FAR)
    hits = new_hits(a, b)
    put_errors(hits, "sse", np.where((a > b)[:, None], distances[:, INVERSE], distances))
    hits["error"] = distances.min(axis=1, initial=FAR)
    return hits


def joined(parts: Iterable[Hits]) -> Hits:
    """Join arrays of hits into one."""
    return np.concatenate([np.empty(0, HIT), *parts])
