"""Which known tensors are within a limit of new ones: exact, and quick for one query at a time.

A log-structured design (O'Neil et al., 1996): new tensors go into a small tree that is rebuilt each time, and
trees of similar size are merged. So there are few trees, and adding stays cheap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.distance import TURNS
from difwatch.compare.hits import Hits
from difwatch.compare.product import CANDIDATE_COST, product_hits, product_hits_within
from difwatch.compare.quadrant import Entries, canonical, orientations
from difwatch.compare.refine import Candidates, Fetch, Held, Overlaid, refine, together
from difwatch.compare.sketch import SIZE, radius
from difwatch.compare.tree import SketchTree

_SMALL = 512
_RATIO = 8  # the least between the sizes of two successive trees
_CANDIDATES_AT_ONCE = 500_000
_NONE = Candidates(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.intp))


class _Level:
    """A fixed set of tensors: a tree of their canonical sketches, and which of the tensors remain."""

    def __init__(self, ids: NDArray[np.int64], turn: NDArray[np.integer], rows: NDArray[np.float32]) -> None:
        self.ids = ids
        self.turn = turn.astype(np.int8)
        self.rows = rows
        self.alive = np.ones(len(ids), bool)
        self._tree = SketchTree(rows)

    def near(self, asked: Entries, reach: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the numbers of the entries and places that are within ``reach`` of each other, pair by pair."""
        queries, places = self._tree.near(asked.rows, reach)
        alive = self.alive[places]
        return queries[alive], places[alive]

    def count(self, asked: Entries, reach: float) -> NDArray[np.intp]:
        """Return how many places are inspected for each entry."""
        return self._tree.count(asked.rows, reach)

    def joined(self, other: _Level) -> _Level:
        """Return one level with the tensors that remain in both levels."""
        ours, theirs = self.alive, other.alive
        return _Level(
            np.concatenate([self.ids[ours], other.ids[theirs]]),
            np.concatenate([self.turn[ours], other.turn[theirs]]),
            np.concatenate([self.rows[ours], other.rows[theirs]]),
        )


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
        self._levels: list[_Level] = []
        if ids is not None and rows is not None:
            self.add(ids, rows)

    def __len__(self) -> int:
        return sum(int(np.count_nonzero(level.alive)) for level in self._levels)

    @property
    def trees(self) -> int:
        """Number of trees that a query visits."""
        return len(self._levels)

    def add(self, ids: Sequence[int] | NDArray[np.int64], rows: NDArray[np.float32]) -> None:
        """Add new ids with their sketches (n, 16)."""
        if not len(ids):
            return
        entries = canonical(rows)
        new = _Level(np.array(ids, np.int64), entries.turn, entries.rows)
        while self._levels and len(self._levels[-1].ids) < max(_SMALL, _RATIO * len(new.ids)):
            new = self._levels.pop().joined(new)
        self._levels.append(new)

    def remove(self, ids: Sequence[int]) -> None:
        """Forget ids; unknown ids are ignored."""
        gone = np.asarray(ids, np.int64)
        empty = _Level(np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros((0, SIZE), np.float32))
        for number, level in enumerate(self._levels):
            level.alive &= ~np.isin(level.ids, gone)
            if 2 * np.count_nonzero(level.alive) < len(level.ids):
                self._levels[number] = level.joined(empty)

    def ids(self) -> NDArray[np.int64]:
        """Return all known ids."""
        parts = [level.ids[level.alive] for level in self._levels]
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def counts(self, rows: NDArray[np.float32], reach: float) -> NDArray[np.intp]:
        """Return the largest possible number of candidates of each sketch (m, 16), over all turns."""
        asked = orientations(rows, reach)
        totals = np.zeros(len(rows), np.intp)
        for level in self._levels:
            np.add.at(totals, asked.number, level.count(asked, reach))
        return totals

    def candidates(
        self, ids: NDArray[np.int64], rows: NDArray[np.float32], reach: float, rotate: bool = True
    ) -> Candidates:
        """Pair known tensors with other tensors that may match them.

        Parameters
        ----------
        ids : ndarray of int64, shape (m,)
            Of the other tensors.
        rows : ndarray of float32, shape (m, 16)
            Their sketches.
        reach
            Largest distance between sketches.
        rotate
            Compare with all four turns; otherwise upright only.
        """
        asked = orientations(rows, reach)
        parts = [_NONE]
        for level in self._levels:
            queries, places = level.near(asked, reach)
            if len(queries):
                turn = (asked.turn[queries] - level.turn[places]) % len(TURNS)
                kept = slice(None) if rotate else turn == 0
                parts.append(Candidates(level.ids[places[kept]], ids[asked.number[queries[kept]]], turn[kept]))
        return together(parts)


def search_new(
    index: Index,
    ids: Sequence[int],
    tensors: NDArray[np.uint8],
    rows: NDArray[np.float32],
    fetch: Fetch,
    limit: int,
    rotate: bool = True,
) -> Iterator[Hits]:
    """Yield every pair within the limit that includes a new tensor, once.

    Add the new tensors to the index afterwards.

    Parameters
    ----------
    index
        The known tensors.
    ids
        Of the new tensors; distinct, and none of them in the index.
    tensors : ndarray of uint8, shape (n, px, px, 3)
    rows : ndarray of float32, shape (n, 16)
        Their sketches.
    fetch
        Called for the tensors of known ids that the sketches could not exclude.
    limit
        Largest sum of squared errors.
    rotate
        Compare with all four turns; otherwise upright only.
    """
    if not len(ids):
        return
    names = np.asarray(ids, np.int64)
    reach = radius(limit, tensors.shape[1])
    either = Overlaid(Held(names, tensors.reshape(len(names), -1)), fetch)
    counts = index.counts(rows, reach)
    crowded = counts * CANDIDATE_COST > len(TURNS) * len(index)
    if crowded.any():  # sketches exclude so little that trying every pair is cheaper and needs less memory
        others = np.concatenate([index.ids(), names[~crowded]])
        yield from product_hits(others, names[crowded], either, limit, rotate)
        yield from product_hits_within(names[crowded], either, limit, rotate)
        names, rows, counts = names[~crowded], rows[~crowded], counts[~crowded]
    fresh = Index()
    for portion in _portions(counts + len(TURNS) * len(names)):
        block = names[portion], rows[portion]
        among = Index(*block).candidates(*block, reach, rotate)
        once = among.a < among.b
        candidates = [known.candidates(*block, reach, rotate) for known in (index, fresh)]
        candidates.append(Candidates(*(part[once] for part in among)))
        yield from refine(together(candidates), either, limit)
        fresh.add(*block)


def _portions(counts: NDArray[np.intp]) -> Iterator[slice]:
    """Yield slices of rows, each with no more candidates than are held at once, or with a single row."""
    start = 0
    while start < len(counts):
        stop = start + max(1, int(np.searchsorted(np.cumsum(counts[start:]), _CANDIDATES_AT_ONCE, side="right")))
        yield slice(start, stop)
        start = stop
