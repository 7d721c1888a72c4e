"""Every pair by matrix products, exactly and without bounds: for limits at which sketches exclude little.

In floating point, ``|a - b|^2 = |a|^2 + |b|^2 - 2 ab`` loses all precision where it matters: for near-equal
tensors. Here nothing is rounded. Values are taken relative to 128, so no product of two exceeds 2**14. Over 1024
columns the products add up to no more than 2**24, up to which float32 holds every integer. So float32 products of
1024 columns are exact in whatever order a library adds them, and their sums are kept in integers.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.comparison import Comparison
from difwatch.compare.distance import FAR, sse_rows
from difwatch.compare.hits import Hits
from difwatch.compare.orientation import ALL, oriented_rows
from difwatch.compare.sieve import LowFrequencies, Pairs, possible, serves

CANDIDATE_COST = 25.0
"""The cost of refining a candidate, in units of one pair and orientation here (measured on tensors, 50 x 50)."""

INSPECTED_COST = 2.5
"""The cost of a sketch that a tree inspects, in the same unit."""

FETCH_COST = 400.0
"""The cost of fetching a row from the store, in the same unit."""

_COLUMNS = 1024
_TILE = 512  # rows
_TILE_BYTES = 64 << 20
_TILES_AT_ONCE = 4  # so that what they are compared with is fetched less often
_HELD_BYTES = 128 << 20  # of such tiles in all orientations, unless a single one has more
_SIEVED = 0.25  # of the cost of a pair is left where low frequencies exclude most (measured, rounded up)
_GATHERED_BYTES = 4 << 20  # of rows whose distances are computed together


def product_hits(a: NDArray[np.int64], b: NDArray[np.int64], comparison: Comparison) -> Iterator[Hits]:
    """Yield the hits between two disjoint lists of ids.

    Parameters
    ----------
    a, b : ndarray of int64
        No id twice.
    comparison
        Its ``fetch`` is called for a bounded number of bytes at a time, and as much is held in each orientation.
    """
    if not len(a) or not len(b):
        return
    step = _tile_rows(comparison)
    batches = [b[start : start + step] for start in range(0, len(b), step)]
    held = step * comparison.fetched_bytes * len(comparison.orientations)
    at_once = max(1, min(_TILES_AT_ONCE, _HELD_BYTES // held))
    for start in range(0, len(batches), at_once):
        some = batches[start : start + at_once]
        tiles = [_Tile(comparison.fetch(batch), comparison.channels) for batch in some]
        for first in range(0, len(a), step):
            others = a[first : first + step]
            tile = _Tile(comparison.fetch(others), comparison.channels)
            for batch, other in zip(some, tiles, strict=True):
                row, column, distances = _distances(tile, other, comparison)
                yield comparison.hits(others[row], batch[column], distances)


def product_hits_within(ids: NDArray[np.int64], comparison: Comparison) -> Iterator[Hits]:
    """Yield the hits within one list of ids, each pair once; see `product_hits`."""
    step = _tile_rows(comparison)
    for start in range(0, len(ids), step):
        batch = ids[start : start + step]
        yield from product_hits(ids[:start], batch, comparison)
        tile = _Tile(comparison.fetch(batch), comparison.channels)
        row, column, distances = _distances(tile, tile, comparison)
        once = row < column
        yield comparison.hits(batch[row[once]], batch[column[once]], distances[once])


def pair_cost(comparison: Comparison) -> float:
    """Return what a pair costs in one orientation if low frequencies exclude most, in the same unit."""
    return _SIEVED if serves(comparison.px**2 * comparison.channels, comparison.channels) else 1.0


class _Tile:
    """Tensors or tones (n, d), their low frequencies, and their squared lengths relative to 128 as integers."""

    def __init__(self, rows: NDArray[np.uint8], channels: int) -> None:
        self.rows = rows
        self.integer: type[np.signedinteger] = np.int32 if rows.shape[1] << 16 < 2**31 else np.int64
        self._channels = channels
        self._oriented: dict[int, _Tile] = {}

    @functools.cached_property
    def frequencies(self) -> LowFrequencies:
        return LowFrequencies(self.rows, self._channels)

    @functools.cached_property
    def lengths(self) -> NDArray[np.signedinteger]:
        lengths = np.zeros(len(self.rows), np.int64)
        for start in range(0, self.rows.shape[1], _COLUMNS):
            part = self.part(start)
            lengths += np.vecdot(part, part).astype(np.int64)
        return lengths.astype(self.integer)

    def part(self, start: int) -> NDArray[np.float32]:
        """Return some columns as float32 relative to 128; all of them at once would take four times the memory."""
        part = self.rows[:, start : start + _COLUMNS].astype(np.float32)
        part -= 128
        return part

    def oriented(self, orientation: int) -> _Tile:
        """Return the same pictures in another orientation, kept until this tile goes."""
        if orientation not in self._oriented:
            self._oriented[orientation] = _Tile(oriented_rows(self.rows, orientation, self._channels), self._channels)
        return self._oriented[orientation]


_Near = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]
"""Rows of a tile, columns (rows of another one), and the distances of each such pair in all orientations (n, 8)."""


def _tile_rows(comparison: Comparison) -> int:
    return max(1, min(_TILE, _TILE_BYTES // comparison.fetched_bytes))


def _distances(a: _Tile, b: _Tile, comparison: Comparison) -> _Near:
    """Return the pairs within the limit, and perhaps others; distances beyond the limit may be `FAR`."""
    if serves(a.rows.shape[1], comparison.channels):
        pairs = possible(a.frequencies, b.frequencies, comparison.orientations, comparison.limit)
        if pairs is not None:
            return _distances_of(pairs, a, b, comparison)
    distances = _all_distances(a, [b.oriented(orientation) for orientation in comparison.orientations])
    row, column = np.nonzero(distances.min(axis=0) <= comparison.limit)
    out = np.full((len(row), len(ALL)), FAR)
    out[:, comparison.orientations] = distances[:, row, column].T
    return row, column, out


def _distances_of(pairs: Pairs, a: _Tile, b: _Tile, comparison: Comparison) -> _Near:
    """Return the distances of some pairs."""
    width = len(b.rows)
    keys, places = np.unique(pairs.row * width + pairs.column, return_inverse=True)
    out = np.full((len(keys), len(ALL)), FAR)
    step = max(1, _GATHERED_BYTES // a.rows.shape[1])
    for number, orientation in enumerate(comparison.orientations):
        these = np.flatnonzero(pairs.number == number)
        for some in np.split(these, range(step, len(these), step)):
            turned = oriented_rows(b.rows[pairs.column[some]], orientation, comparison.channels)
            out[places[some], orientation] = sse_rows(a.rows[pairs.row[some]], turned)
    row, column = np.divmod(keys, width)
    return row, column, out


def _all_distances(a: _Tile, oriented: Sequence[_Tile]) -> NDArray[np.signedinteger]:
    """Return the distances between each row of *a* and each oriented one, shape (orientations, a, b)."""
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
