"""Which sketches lie within a radius of others: a search tree over six of their numbers, refined by the rest."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

# The six with the largest spread over photographs. More would slow the tree down: the rest refines its result.
_COLUMNS = [0, 1, 2, 3, 6, 7]


class SketchTree:
    """A fixed set of sketches, searchable by distance.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, 16)
    """

    def __init__(self, rows: NDArray[np.float32]) -> None:
        self._rows = rows
        self._tree = cKDTree(rows[:, _COLUMNS].astype(np.float64)) if len(rows) else None

    def count(self, rows: NDArray[np.float32], reach: float) -> NDArray[np.intp]:
        """Return how many places `near` would inspect for each sketch (m, 16): no fewer than `near` finds."""
        if self._tree is None or not len(rows):
            return np.zeros(len(rows), np.intp)
        asked = rows[:, _COLUMNS].astype(np.float64)
        return np.asarray(self._tree.query_ball_point(asked, reach, return_length=True), np.intp)

    def near(self, rows: NDArray[np.float32], reach: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Find the places within ``reach`` of each sketch (m, 16).

        Returns
        -------
        queries, places
            One entry per pair: the row number in ``rows``, and the place in the tree.
        """
        if self._tree is None or not len(rows):
            return np.zeros(0, np.intp), np.zeros(0, np.intp)
        asked = rows[:, _COLUMNS].astype(np.float64)
        balls = cast("Sequence[list[int]]", self._tree.query_ball_point(asked, reach))
        lengths = np.fromiter(map(len, balls), np.intp, len(balls))
        total = int(lengths.sum())
        places = np.fromiter(itertools.chain.from_iterable(balls), np.intp, total)
        queries = np.repeat(np.arange(len(rows)), lengths)
        if not total:
            return queries, places
        kept = within(rows[queries], self._rows[places], reach)
        return queries[kept], places[kept]


def within(a: NDArray[np.float32], b: NDArray[np.float32], reach: float) -> NDArray[np.bool_]:
    """Tell row by row whether two sketches (n, 16) are within ``reach`` of each other, computed in float64."""
    difference = a.astype(np.float64)
    difference -= b
    squares: NDArray[np.float64] = np.einsum("ij,ij->i", difference, difference)
    return squares <= squared(reach)


def squared(reach: float) -> float:
    """Return the square of a radius, rounded up so that nothing within the radius is excluded."""
    return reach * reach * (1 + 2**-47)
