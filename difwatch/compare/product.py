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

from difwatch.compare.comparison import Comparison
from difwatch.compare.distance import FAR
from difwatch.compare.hits import Hits
from difwatch.compare.orientation import ALL, oriented_rows

CANDIDATE_COST = 25.0
"""The cost of refining a candidate, in units of one pair and orientation here (measured on tensors, 50 x 50)."""

_COLUMNS = 1024
_TILE = 512  # rows
_TILE_BYTES = 64 << 20


def product_hits(a: NDArray[np.int64], b: NDArray[np.int64], comparison: Comparison) -> Iterator[Hits]:
    """Yield the hits between two disjoint lists of ids.

    Parameters
    ----------
    a, b : ndarray of int64
        No id twice.
    comparison
        Its ``fetch`` is called for a bounded number of bytes at a time, most often for those of *a*.
    """
    if not len(a) or not len(b):
        return
    step = _tile_rows(comparison)
    for start in range(0, len(b), step):
        batch = b[start : start + step]
        oriented = _oriented(comparison.fetch(batch), comparison)
        for first in range(0, len(a), step):
            others = a[first : first + step]
            distances = _distances(_Tile(comparison.fetch(others)), oriented)
            row, column = np.nonzero(distances.min(axis=0) <= comparison.limit)
            yield comparison.hits(others[row], batch[column], _in_all(distances[:, row, column], comparison))


def product_hits_within(ids: NDArray[np.int64], comparison: Comparison) -> Iterator[Hits]:
    """Yield the hits within one list of ids, each pair once; see `product_hits`."""
    step = _tile_rows(comparison)
    for start in range(0, len(ids), step):
        batch = ids[start : start + step]
        yield from product_hits(ids[:start], batch, comparison)
        fetched = comparison.fetch(batch)
        distances = _distances(_Tile(fetched), _oriented(fetched, comparison))
        row, column = np.nonzero(np.triu(distances.min(axis=0) <= comparison.limit, 1))
        yield comparison.hits(batch[row], batch[column], _in_all(distances[:, row, column], comparison))


class _Tile:
    """Tensors (n, d), and their squared lengths relative to 128 as integers."""

    def __init__(self, tensors: NDArray[np.uint8]) -> None:
        values = tensors.shape[1]
        self.integer: type[np.signedinteger] = np.int32 if values << 16 < 2**31 else np.int64
        self.rows = tensors
        lengths = np.zeros(len(tensors), np.int64)
        for start in range(0, values, _COLUMNS):
            part = self.part(start)
            lengths += np.vecdot(part, part).astype(np.int64)
        self.lengths = lengths.astype(self.integer)

    def part(self, start: int) -> NDArray[np.float32]:
        """Return some columns as float32 relative to 128; all of them at once would take four times the memory."""
        part = self.rows[:, start : start + _COLUMNS].astype(np.float32)
        part -= 128
        return part


def _oriented(rows: NDArray[np.uint8], comparison: Comparison) -> list[_Tile]:
    return [_Tile(oriented_rows(rows, number, comparison.channels)) for number in comparison.orientations]


def _in_all(distances: NDArray[np.signedinteger], comparison: Comparison) -> NDArray[np.int64]:
    """Return distances in some orientations (k, n) as those in all of them (n, 8)."""
    out = np.full((distances.shape[1], len(ALL)), FAR)
    out[:, comparison.orientations] = distances.T
    return out


def _tile_rows(comparison: Comparison) -> int:
    return max(1, min(_TILE, _TILE_BYTES // comparison.fetched_bytes))


def _distances(a: _Tile, oriented: list[_Tile]) -> NDArray[np.signedinteger]:
    """Return the distances between each tensor of *a* and each oriented one, shape (orientations, a, b)."""
    shape = (len(a.rows), len(oriented[0].rows))
    out = np.empty((len(oriented), *shape), a.integer)
    product = np.empty(shape, np.float32)
    for number, b in enumerate(oriented):
        np.add.outer(a.lengths, b.lengths, out=out[number])
    for start in range(0, a.rows.shape[1], _COLUMNS):
        ours = a.part(start)
        for number, b in enumerate(oriented):
            np.matmul(ours, b.part(start).T, out=product)
            product *= 2
            out[number] -= product.astype(a.integer)
    return out
