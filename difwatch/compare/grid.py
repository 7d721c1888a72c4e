"""Which sketches lie within a radius of many others: cells of a grid against each other, by matrix products.

Where the radius is wide, a search tree visits many leaves for each query, and most of what it finds is excluded by
the numbers that it does not look at. Here the known sketches are put into cells of the plane of two of their numbers,
and within each cell in the order of their level. Queries of the same cell are compared together with all that is near
enough in these three numbers, by one product of matrices of the first sixteen numbers. Measured on 60 000 crops of
photographs in eight orientations: eight times as fast as the tree.

**Why nothing is missed.** Cells and order leave out only what is farther than the radius in these numbers. For
sketches a and b, extended to (a, -|a|^2 / 2, 1) and (b, 1, -|b|^2 / 2), the product is -|a - b|^2 / 2. Computed in
float32 over at most 18 columns, in any order, it is within 20 * 2**-24 * (|a| + |b|)^2 of that, which is allowed for
below. The distance of all numbers is then computed in float64.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.sketch import SketchKind, extended, squared, within
from difwatch.compare.tree import Places

_COLUMNS = 16
_QUERIES_AT_ONCE = 512
_KNOWN_AT_ONCE = 512
_MOST_CELLS = 32  # along each side
_SLACK = 2.0**-30  # of a cell, and of the span of the levels, for the rounding of coordinates
_ROUNDING = 2 * 20 * 2.0**-24


class SketchGrid:
    """A fixed set of sketches, searchable by distance: best where many are asked for, and many are near.

    Parameters
    ----------
    kind
        What the sketches are.
    rows : ndarray of float32, shape (n, size)
    reach
        The distance that is asked for; the grid answers others too, but less quickly.
    """

    def __init__(self, kind: SketchKind, rows: NDArray[np.float32], reach: float) -> None:
        self._axes, self._level = list(kind.cells), kind.level
        spread = float(np.ptp(rows[:, self._axes], axis=0).max()) if len(rows) else 0.0
        self._side = max(reach, spread / _MOST_CELLS, 1e-3)
        cells = np.floor(self._coordinates(rows)).astype(np.int64)
        self._first = cells.min(axis=0) if len(rows) else np.zeros(len(self._axes), np.int64)
        shape = (cells.max(axis=0) if len(rows) else self._first) - self._first + 1
        self._strides = np.array([shape[1], 1])
        self._last = self._first + shape - 1
        levels = rows[:, self._level].astype(np.float64)
        self._lowest, highest = (float(levels.min()), float(levels.max())) if len(rows) else (0.0, 0.0)
        self._span = max(highest - self._lowest, 1.0)
        keys = self._keys((cells - self._first) @ self._strides, levels)
        order = np.argsort(keys, kind="stable")
        self._places, self._rows, self._sorted = order, rows[order], keys[order]
        short = self._rows[:, :_COLUMNS]
        self._longest = float(np.sqrt(np.vecdot(short, short).max(initial=0)))
        self._columns = extended(short, last=True)

    def near(self, rows: NDArray[np.float32], reach: float, no_higher: bool = False) -> Places:
        """Find the places within ``reach`` of each sketch (m, size); with ``no_higher``, those of no higher level."""
        parts: list[Places] = [(np.zeros(0, np.intp), np.zeros(0, np.intp))]
        if len(self._rows):
            for some in self._together(rows):
                parts += self._near(some, rows[some], reach, no_higher)
        queries, places = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return queries, places

    def _together(self, rows: NDArray[np.float32]) -> Iterator[NDArray[np.intp]]:
        """Yield the numbers of queries of one cell, some at a time, in ascending order of their level."""
        cells = np.floor(self._coordinates(rows))
        order = np.lexsort((rows[:, self._level], *cells.T))
        other = np.flatnonzero((np.diff(cells[order], axis=0) != 0).any(axis=1)) + 1
        for cell in np.split(order, other):
            for first in range(0, len(cell), _QUERIES_AT_ONCE):
                yield cell[first : first + _QUERIES_AT_ONCE]

    def _near(
        self, numbers: NDArray[np.intp], rows: NDArray[np.float32], reach: float, no_higher: bool
    ) -> Iterator[Places]:
        short = rows[:, :_COLUMNS]
        asked = extended(short, last=False)
        longest = self._longest + float(np.sqrt(np.vecdot(short, short).max()))
        least = -(squared(reach) / 2 + _ROUNDING * longest**2)
        known = self._around(rows, reach * (1 + 2**-40), no_higher)  # covers the rounding of a difference
        for first in range(0, len(known), _KNOWN_AT_ONCE):
            some = known[first : first + _KNOWN_AT_ONCE]
            products = asked @ self._columns[some].T
            row, column = np.divmod(np.flatnonzero(products >= least), len(some))
            kept = within(rows[row], self._rows[some[column]], reach)
            yield numbers[row[kept]], self._places[some[column[kept]]]

    def _around(self, rows: NDArray[np.float32], reach: float, no_higher: bool) -> NDArray[np.intp]:
        """Return where those lie in order that are in cells and at levels within ``reach`` of some queries."""
        numbers = self._near_cells(self._coordinates(rows), reach / self._side)
        lowest, highest = float(rows[0, self._level]) - reach, float(rows[-1, self._level]) + reach * (not no_higher)
        slack = _SLACK * self._span
        first = self._sorted.searchsorted(self._keys(numbers, lowest) - slack)
        lengths = self._sorted.searchsorted(self._keys(numbers, highest) + slack, side="right") - first
        before = np.cumsum(lengths) - lengths
        return np.repeat(first - before, lengths) + np.arange(lengths.sum())

    def _near_cells(self, points: NDArray[np.float64], reach: float) -> NDArray[np.int64]:
        """Return the numbers of the cells within ``reach`` of the box around some points, in sides of a cell."""
        low, high = points.min(axis=0) - _SLACK, points.max(axis=0) + _SLACK
        first = np.maximum(np.floor(low - reach).astype(np.int64), self._first)
        last = np.minimum(np.floor(high + reach).astype(np.int64), self._last)
        numbers, squares = np.zeros(1, np.int64), np.zeros(1)
        for axis in range(len(self._axes)):
            cells = np.arange(first[axis], last[axis] + 1)
            gaps = np.maximum(np.maximum(cells - high[axis], low[axis] - cells - 1), 0)
            numbers = (numbers[:, None] + (cells - self._first[axis]) * self._strides[axis]).reshape(-1)
            squares = (squares[:, None] + gaps**2).reshape(-1)
        return numbers[squares <= squared(reach)]

    def _keys(self, numbers: NDArray[np.int64], levels: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return numbers that order by cell and then by level, which is brought into the span of what is known."""
        within_span: NDArray[np.float64] = np.clip(levels - self._lowest, 0.0, self._span)
        return numbers * (2 * self._span) + within_span

    def _coordinates(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return where sketches are, in sides of a cell."""
        return rows[:, self._axes].astype(np.float64) / self._side
