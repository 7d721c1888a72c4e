"""Which sketches lie within a radius of many others: cells of a grid against each other, by matrix products.

Where the radius is wide, a search tree visits many leaves for each query, and most of what it finds is excluded by
the numbers that it does not look at. Here the known sketches are put into cells of the plane of two of their numbers,
and within each cell in the order of a third. Queries of the same cell are compared together with all that is near
enough in these three numbers, by one product of matrices of the first sixteen numbers. Measured on 60 000 crops of
photographs in eight orientations: five times as fast as the tree.

**Why nothing is missed.** The cells and the order leave out only what is farther than the radius in one number. For
sketches a and b, extended to (a, -|a|^2 / 2, 1) and (b, 1, -|b|^2 / 2), the product is -|a - b|^2 / 2. Computed in
float32 over at most 18 columns, in any order, it is within 20 * 2**-24 * (|a| + |b|)^2 of that, which is allowed for
below. The distance of all numbers is then computed in float64.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.sketch import SketchKind, squared, within
from difwatch.compare.tree import Places

_COLUMNS = 16
_QUERIES_AT_ONCE = 256
_MOST_CELLS = 64  # along each side
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
        self._plane = [kind.across, kind.down]
        self._order = kind.tree[3]
        spread = float(np.ptp(rows[:, self._plane], axis=0).max()) if len(rows) else 0.0
        self._side = max(reach, spread / _MOST_CELLS, 1e-3)
        cells = self._cells(rows)
        self._first = cells.min(axis=0) if len(rows) else np.zeros(2, np.int64)
        self._shape = (cells.max(axis=0) if len(rows) else self._first) - self._first + 1
        number = (cells[:, 0] - self._first[0]) * self._shape[1] + cells[:, 1] - self._first[1]
        order = np.lexsort((rows[:, self._order], number))
        self._places, self._rows = order, rows[order]
        self._third = self._rows[:, self._order].astype(np.float64)
        self._starts = np.searchsorted(number[order], np.arange(int(self._shape.prod()) + 1))
        short = self._rows[:, :_COLUMNS]
        self._longest = float(np.sqrt(np.vecdot(short, short).max(initial=0)))
        self._columns = np.ascontiguousarray(_extended(short, last=True).T)

    def near(self, rows: NDArray[np.float32], reach: float) -> Places:
        """Find the places within ``reach`` of each sketch (m, size)."""
        parts: list[Places] = [(np.zeros(0, np.intp), np.zeros(0, np.intp))]
        if len(self._rows):
            for some in self._together(rows):
                parts += self._near(some, rows[some], reach)
        queries, places = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return queries, places

    def _together(self, rows: NDArray[np.float32]) -> Iterator[NDArray[np.intp]]:
        """Yield the numbers of queries of one cell, some at a time, in ascending order of their third number."""
        cells = self._cells(rows)
        order = np.lexsort((rows[:, self._order], *cells.T))
        other = np.flatnonzero((np.diff(cells[order], axis=0) != 0).any(axis=1)) + 1
        for cell in np.split(order, other):
            for first in range(0, len(cell), _QUERIES_AT_ONCE):
                yield cell[first : first + _QUERIES_AT_ONCE]

    def _near(self, numbers: NDArray[np.intp], rows: NDArray[np.float32], reach: float) -> Iterator[Places]:
        short = rows[:, :_COLUMNS]
        extended = _extended(short, last=False)
        longest = self._longest + float(np.sqrt(np.vecdot(short, short).max()))
        least = -(squared(reach) / 2 + _ROUNDING * longest**2)
        wide = reach * (1 + 2**-40)  # covers the rounding of a difference
        below, above = float(rows[0, self._order]) - wide, float(rows[-1, self._order]) + wide
        for start, stop in self._slices(rows[:, self._plane].astype(np.float64), wide):
            first = start + int(np.searchsorted(self._third[start:stop], below))
            last = start + int(np.searchsorted(self._third[start:stop], above, side="right"))
            if first == last:
                continue
            products = extended @ self._columns[:, first:last]
            row, column = np.divmod(np.flatnonzero(products.reshape(-1) >= least), last - first)
            kept = within(rows[row], self._rows[first + column], reach)
            yield numbers[row[kept]], self._places[first + column[kept]]

    def _slices(self, plane: NDArray[np.float64], reach: float) -> Iterator[tuple[int, int]]:
        """Yield where the cells begin and end that are within ``reach`` of some points."""
        low = np.maximum(np.floor((plane.min(axis=0) - reach) / self._side).astype(np.int64) - self._first, 0)
        high = np.floor((plane.max(axis=0) + reach) / self._side).astype(np.int64) - self._first
        high = np.minimum(high, self._shape - 1)
        for x in range(int(low[0]), int(high[0]) + 1):
            for y in range(int(low[1]), int(high[1]) + 1):
                number = x * int(self._shape[1]) + y
                if self._starts[number] < self._starts[number + 1]:
                    yield int(self._starts[number]), int(self._starts[number + 1])

    def _cells(self, rows: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.floor(rows[:, self._plane].astype(np.float64) / self._side).astype(np.int64)


def _extended(rows: NDArray[np.float32], last: bool) -> NDArray[np.float32]:
    """Return rows (n, k) with half of their negative squared length and a one appended, in either order."""
    half = -np.vecdot(rows, rows)[:, None] / np.float32(2)
    one = np.ones_like(half)
    return np.concatenate([rows, *((one, half) if last else (half, one))], axis=1)
