"""Every pair by matrix products, exactly and without bounds: for limits at which sketches exclude little.

In floating point, ``|a - b|^2 = |a|^2 + |b|^2 - 2 ab`` loses all precision where it matters: for near-equal
tensors. Here nothing is rounded. Values are taken relative to 128, so no product of two exceeds 2**14. Over 1024
columns the products add up to no more than 2**24, up to which float32 holds every integer. So float32 products of
1024 columns are exact in whatever order a library adds them, and their sums are kept in integers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.distance import turned_rows
from difwatch.compare.hits import Hits, hits_within
from difwatch.compare.refine import Fetch

CANDIDATE_COST = 25.0
"""The cost of refining a candidate, in units of one pair of tensors here (measured, 50 x 50)."""

_COLUMNS = 1024
_TILE = 512  # rows
_TILE_BYTES = 16 << 20


def product_hits(
    a: NDArray[np.int64], b: NDArray[np.int64], fetch: Fetch, limit: int, rotate: bool
) -> Iterator[Hits]:
    """Yield the hits between the tensors of two disjoint lists of ids.

    Parameters
    ----------
    a, b : ndarray of int64
        No id twice.
    fetch
        Called for a bounded number of bytes at a time, most often for tensors of *a*.
    limit
        Largest sum of squared errors.
    rotate
        Compare with all four turns; otherwise upright only.
    """
    if not len(a) or not len(b):
        return
    step = _tile_rows(fetch, b)
    for start in range(0, len(b), step):
        batch = b[start : start + step]
        turns = _turns(fetch(batch), rotate)
        for first in range(0, len(a), step):
            others = a[first : first + step]
            distances = _distances(_Tile(fetch(others)), turns)
            row, column = np.nonzero(distances.min(axis=0) <= limit)
            yield hits_within(others[row], batch[column], distances[:, row, column].T, limit)


def product_hits_within(ids: NDArray[np.int64], fetch: Fetch, limit: int, rotate: bool) -> Iterator[Hits]:
    """Yield the hits among the tensors of one list of ids, each pair once; see `product_hits`."""
    step = _tile_rows(fetch, ids)
    for start in range(0, len(ids), step):
        batch = ids[start : start + step]
        yield from product_hits(ids[:start], batch, fetch, limit, rotate)
        tensors = fetch(batch)
        distances = _distances(_Tile(tensors), _turns(tensors, rotate))
        row, column = np.nonzero(np.triu(distances.min(axis=0) <= limit, 1))
        yield hits_within(batch[row], batch[column], distances[:, row, column].T, limit)


class _Tile:
    """Tensors as float32 relative to 128, shape (n, d), and their squared lengths as integers."""

    def __init__(self, tensors: NDArray[np.uint8]) -> None:
        values = tensors.shape[1]
        self.integer: type[np.signedinteger] = np.int32 if values << 16 < 2**31 else np.int64
        self.rows = tensors.astype(np.float32)
        self.rows -= 128
        lengths = np.zeros(len(tensors), np.int64)
        for start in range(0, values, _COLUMNS):
            part = self.rows[:, start : start + _COLUMNS]
            lengths += np.vecdot(part, part).astype(np.int64)
        self.lengths = lengths.astype(self.integer)


def _turns(tensors: NDArray[np.uint8], rotate: bool) -> list[_Tile]:
    return [_Tile(turned_rows(tensors, turn)) for turn in range(4 if rotate else 1)]


def _tile_rows(fetch: Fetch, ids: NDArray[np.int64]) -> int:
    values = fetch(ids[:1]).shape[1] if len(ids) else 1
    return max(1, min(_TILE, _TILE_BYTES // (4 * values)))


def _distances(a: _Tile, turns: list[_Tile]) -> NDArray[np.signedinteger]:
    """Return the distances between each tensor of *a* and each turned tensor, shape (turns, a, b)."""
    shape = (len(a.rows), len(turns[0].rows))
    out = np.empty((len(turns), *shape), a.integer)
    product = np.empty(shape, np.float32)
    for turn, b in enumerate(turns):
        np.add.outer(a.lengths, b.lengths, out=out[turn])
        for start in range(0, a.rows.shape[1], _COLUMNS):
            columns = slice(start, start + _COLUMNS)
            np.matmul(a.rows[:, columns], b.rows[:, columns].T, out=product)
            product *= 2
            out[turn] -= product.astype(a.integer)
    return out
