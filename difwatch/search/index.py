"""Which known tensors are within a limit of new ones: exact, one query at a time.

A static tree over the sketches answers for nearly all of them, a short unsorted tail for those that came
since it was built; the tail is merged when it grows (the log-structured idea of O'Neil et al., 1996). What
the sketches leave is decided by the tensors themselves, in integers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from difwatch.model import Hit
from difwatch.search.distance import hit, sse_rows, turned
from difwatch.search.sketch import SIZE, radius, sketches, turned_sketches

Fetch = Callable[[Sequence[int]], NDArray[np.uint8]]
"""Gives the tensors of ids as one array (n, px, px, 3), in the order of the ids."""

_TREE_COLUMNS = 8  # more make the tree slower, not better; the rest of the sketch refines
_TAIL_MIN = 1024
_FETCH_BYTES = 32 << 20
_PAIRS_AT_ONCE = 4_000_000
_FAR = np.iinfo(np.int64).max


class Index:
    """The sketches of all known tensors, searchable by distance.

    Parameters
    ----------
    ids
        Distinct, in any order.
    rows : ndarray of float32, shape (n, 16)
        Their sketches.
    """

    def __init__(self, ids: NDArray[np.int64] | None = None, rows: NDArray[np.float32] | None = None) -> None:
        self._ids = np.zeros(0, np.int64) if ids is None else ids.copy()
        self._rows = np.zeros((0, SIZE), np.float32) if rows is None else rows.copy()
        self._count = len(self._ids)
        self._alive = np.ones(self._count, bool)
        self._tree: cKDTree | None = None
        self._treed = 0
        self._rebuild()

    def __len__(self) -> int:
        return int(np.count_nonzero(self._alive[: self._count]))

    def add(self, ids: Sequence[int], rows: NDArray[np.float32]) -> None:
        """Take in new ids with their sketches (n, 16)."""
        needed = self._count + len(ids)
        if needed > len(self._ids):
            self._reserve(max(needed, 2 * len(self._ids), _TAIL_MIN))
        new = slice(self._count, needed)
        self._ids[new], self._rows[new], self._alive[new] = ids, rows, True
        self._count = needed
        if needed - self._treed > max(_TAIL_MIN, self._treed // 8):
            self._rebuild()

    def remove(self, ids: Sequence[int]) -> None:
        """Forget ids; unknown ones do not matter."""
        self._alive[: self._count] &= ~np.isin(self._ids[: self._count], np.asarray(ids, np.int64))

    def near(self, rows: NDArray[np.float32], distance: float) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Find the known sketches within ``distance`` of each of these (m, 16).

        Returns
        -------
        queries, ids
            One entry per pair found: the row number in ``rows`` and the known id.
        """
        tail = slice(self._treed, self._count)
        queries, places = _within(rows, self._rows[tail], distance)
        places = places + self._treed
        if self._tree is not None:
            columns = rows[:, :_TREE_COLUMNS].astype(np.float64)
            found = cast("Sequence[list[int]]", self._tree.query_ball_point(columns, distance))
            lengths = np.fromiter(map(len, found), np.intp, len(found))
            tree_queries = np.repeat(np.arange(len(rows)), lengths)
            tree_places = np.fromiter(itertools.chain.from_iterable(found), np.intp, int(lengths.sum()))
            difference = self._rows[tree_places].astype(np.float64) - rows[tree_queries]
            kept = np.einsum("ij,ij->i", difference, difference) <= _squared(distance)
            queries = np.concatenate([queries, tree_queries[kept]])
            places = np.concatenate([places, tree_places[kept]])
        alive = self._alive[places]
        return queries[alive], self._ids[places[alive]]

    def _reserve(self, size: int) -> None:
        missing = size - len(self._ids)
        self._ids = np.concatenate([self._ids, np.zeros(missing, np.int64)])
        self._rows = np.concatenate([self._rows, np.zeros((missing, SIZE), np.float32)])
        self._alive = np.concatenate([self._alive, np.zeros(missing, bool)])

    def _rebuild(self) -> None:
        alive = np.flatnonzero(self._alive[: self._count])
        if len(alive) < self._count:
            self._ids, self._rows = self._ids[alive], self._rows[alive]
            self._count, self._alive = len(alive), np.ones(len(alive), bool)
        self._treed = self._count
        columns = self._rows[: self._count, :_TREE_COLUMNS].astype(np.float64)
        # Without balancing and compacting the tree is built ten times faster and queried hardly slower.
        self._tree = cKDTree(columns, balanced_tree=False, compact_nodes=False) if self._count else None


def search_new(
    index: Index,
    ids: Sequence[int],
    tensors: NDArray[np.uint8],
    fetch: Fetch,
    limit: int,
    rotate: bool = True,
) -> Iterator[Hit]:
    """Yield every pair within the limit that has at least one of the new tensors, once.

    The new ones must not be in the index yet; add them afterwards.

    Parameters
    ----------
    index
        The known tensors.
    ids
        Of the new tensors; distinct, and none of them in the index.
    tensors : ndarray of uint8, shape (n, px, px, 3)
    fetch
        Asked for the tensors of known ids that the sketches could not exclude.
    limit
        Largest sum of squared errors.
    rotate
        Compare with all four turns; otherwise upright only.
    """
    if not len(ids):
        return
    names = np.asarray(ids, np.int64)
    rows = sketches(tensors)
    reach = radius(limit, tensors.shape[1])
    block = max(1, _PAIRS_AT_ONCE // (4 * (len(index) + len(ids))))
    for start in range(0, len(ids), block):
        stop = min(start + block, len(ids))
        new = _New(names[start:stop], tensors[start:stop], rotate)
        queries = np.concatenate([turned_sketches(rows[start:stop], -turn) for turn in range(len(new.turned))])
        yield from _decide(new, *index.near(queries, reach), fetch, limit)
        asked, places = _within(queries, rows[:stop], reach)
        earlier = places < start + asked % (stop - start)
        yield from _decide(new, asked[earlier], places[earlier], lambda some: tensors[some], limit, names)


class _New:
    """A block of new tensors, turned once for all comparisons; ``turned`` has shape (turns, n, d)."""

    def __init__(self, ids: NDArray[np.int64], tensors: NDArray[np.uint8], rotate: bool) -> None:
        self.ids = ids
        # Turning the new one back is turning the known one on.
        turns = [turned(tensors, -turn).reshape(len(ids), -1) for turn in range(4 if rotate else 1)]
        self.turned = np.stack(turns)


def _squared(distance: float) -> float:
    return distance * distance * (1 + 2**-47)


def _within(
    some: NDArray[np.float32], others: NDArray[np.float32], distance: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All pairs of rows (places in ``some``, places in ``others``) within the distance, by trying each."""
    first, second = np.nonzero(cdist(some, others, "sqeuclidean") <= _squared(distance))
    return first, second


def _decide(
    new: _New,
    queries: NDArray[np.intp],
    found: NDArray[np.integer],
    fetch: Fetch,
    limit: int,
    names: NDArray[np.int64] | None = None,
) -> Iterator[Hit]:
    """Compare what the queries (the new tensors, turn by turn) found; ``names`` gives the ids of what is fetched.

    A turn that found nothing is beyond the limit, and so is never the best one of a hit: it is not computed.
    """
    turns, numbers = np.divmod(queries, len(new.ids))
    order = np.lexsort((turns, numbers, found))
    turns, numbers, found = turns[order], numbers[order], found[order]
    first = np.diff(found, prepend=-1) | np.diff(numbers, prepend=-1) != 0  # of each pair
    starts = np.flatnonzero(first)
    chunk = max(1, _FETCH_BYTES // (8 * new.turned.shape[2]))
    for begin in range(0, len(starts), chunk):
        pairs = starts[begin : begin + chunk]
        rows = slice(pairs[0], starts[begin + chunk] if begin + chunk < len(starts) else len(found))
        some, places = np.unique(found[rows], return_inverse=True)
        known = fetch(some.tolist()).reshape(len(some), -1)
        distances = np.full((len(pairs), 4), _FAR)
        pair = np.cumsum(first[rows]) - 1
        distances[pair, turns[rows]] = sse_rows(new.turned[turns[rows], numbers[rows]], known[places])
        for row in np.flatnonzero(distances.min(axis=1) <= limit):
            other = found[pairs[row]]
            other = other if names is None else names[other]
            yield hit(int(new.ids[numbers[pairs[row]]]), int(other), distances[row], limit)
