"""Everything against everything, in memory, without any bound: the plain way that is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from difwatch.model import Hit
from difwatch.search.distance import hit, turned

_BLOCK_BYTES = 64 << 20
_FAR = np.iinfo(np.int64).max


def all_pairs(ids: Sequence[int], tensors: NDArray[np.uint8], limit: int, rotate: bool = True) -> Iterator[Hit]:
    """Yield every pair within the limit, once.

    Distances are |a|^2 + |b|^2 - 2ab with the products of whole blocks taken by one matrix product in
    float64. Every term is an integer and no sum exceeds 2**53, so nothing is ever rounded.

    Parameters
    ----------
    ids
        Distinct, one per tensor.
    tensors : ndarray of uint8, shape (n, px, px, 3)
    limit
        Largest sum of squared errors.
    rotate
        Compare with all four turns; otherwise upright only.
    """
    count = len(ids)
    if count < 2:
        return
    size = max(1, _BLOCK_BYTES // (8 * tensors[0].size))
    for first in range(0, count, size):
        block = tensors[first : first + size]
        ours = _flat(block)
        for second in range(first, count, size):
            others = tensors[second : second + size]
            turns = [_distances(ours, _flat(turned(others, turn))) for turn in range(4 if rotate else 1)]
            distances = np.stack(turns + [np.full_like(turns[0], _FAR)] * (4 - len(turns)), axis=-1)
            for i, j in zip(*np.nonzero(distances.min(axis=-1) <= limit), strict=True):
                if first + i < second + j:
                    yield hit(ids[first + i], ids[second + j], distances[i, j], limit)


def _flat(tensors: NDArray[np.uint8]) -> NDArray[np.float64]:
    return tensors.reshape(len(tensors), -1).astype(np.float64)


def _distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.int64]:
    squares: NDArray[np.float64] = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)
    return (squares - 2 * (a @ b.T)).astype(np.int64)
