"""Which sketches lie within a radius of others: a search tree over some of their numbers, refined by the rest."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.sketch import SketchKind, within

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

Places = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Numbers of queries and places, pair by pair."""


class Neighbourhood(Protocol):
    """A fixed set of sketches, searchable by distance."""

    def near(self, rows: NDArray[np.float32], reach: float, no_higher: bool = False) -> Places:
        """Find the places within ``reach`` of each sketch (m, size): one entry for each pair.

        With ``no_higher``, those whose level is higher than that of the sketch may be left out.
        """
        ...


def near_together(kind: SketchKind, rows: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return an order of sketches (n, size) in which near ones follow each other.

    A tree of a million sketches in this order answers twice as fast, because it finds what it needs side by side.
    """
    if not len(rows):
        return np.zeros(0, np.intp)
    return np.asarray(_tree(rows[:, list(kind.tree)]).indices, np.intp)


def _tree(rows: NDArray[np.float32]) -> cKDTree:
    # Imported here: it takes a third of a second, in which the workers of a daemon begin.
    from scipy.spatial import cKDTree

    # Large leaves, and cells as they come: measured on a million sketches, a quarter less time for a query, and half
    # of the time to build.
    return cKDTree(rows.astype(np.float64), leafsize=64, compact_nodes=False, balanced_tree=False)


class SketchTree:
    """A fixed set of sketches, searchable by distance: best where few are near.

    Parameters
    ----------
    kind
        What the sketches are.
    rows : ndarray of float32, shape (n, size)
    """

    def __init__(self, kind: SketchKind, rows: NDArray[np.float32]) -> None:
        self._rows = rows
        self._columns = list(kind.tree)
        self._tree = _tree(rows[:, self._columns]) if len(rows) else None

    def count(self, rows: NDArray[np.float32], reach: float) -> NDArray[np.intp]:
        """Return how many places `near` would inspect for each sketch (m, size): no fewer than `near` finds."""
        if self._tree is None or not len(rows):
            return np.zeros(len(rows), np.intp)
        asked = rows[:, self._columns].astype(np.float64)
        return np.asarray(self._tree.query_ball_point(asked, reach, return_length=True), np.intp)

    def near(self, rows: NDArray[np.float32], reach: float, no_higher: bool = False) -> Places:
        """Find the places within ``reach`` of each sketch (m, size)."""
        if self._tree is None or not len(rows):
            return np.zeros(0, np.intp), np.zeros(0, np.intp)
        asked = rows[:, self._columns].astype(np.float64)
        balls = cast("Sequence[list[int]]", self._tree.query_ball_point(asked, reach))
        lengths = np.fromiter(map(len, balls), np.intp, len(balls))
        total = int(lengths.sum())
        places = np.fromiter(itertools.chain.from_iterable(balls), np.intp, total)
        queries = np.repeat(np.arange(len(rows)), lengths)
        if not total:
            return queries, places
        kept = within(rows[queries], self._rows[places], reach)
        return queries[kept], places[kept]
