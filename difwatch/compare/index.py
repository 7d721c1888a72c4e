"""Which known pictures are within a limit of new ones: exact, and quick for one query at a time.

A log-structured design (O'Neil et al., 1996): new sketches go into a small tree that is rebuilt each time, and
trees of similar size are merged. So there are few trees, and adding stays cheap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.comparison import Comparison
from difwatch.compare.fold import Entries, asked, canonical
from difwatch.compare.hits import Hits
from difwatch.compare.orientation import AFTER, INVERSE
from difwatch.compare.product import (
    CANDIDATE_COST,
    FETCH_COST,
    INSPECTED_COST,
    pair_cost,
    product_hits,
    product_hits_within,
)
from difwatch.compare.refine import Candidates, refine, together
from difwatch.compare.sketch import Block, SketchKind, within
from difwatch.compare.tree import Places, SketchTree, near_together

_SMALL = 512
_RATIO = 8  # the least between the sizes of two successive trees
_ONE_OF = 16  # sketches of a level is asked how many would be inspected
_SAMPLE = 32  # sketches of a level, or more, tell how many would be found
_CANDIDATES_AT_ONCE = 500_000
_NONE = Candidates(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.intp))


class _Level:
    """A fixed set of pictures: a tree of their canonical sketches, and which of the pictures remain."""

    def __init__(self, kind: SketchKind, ids: NDArray[np.int64], entries: Entries) -> None:
        order = near_together(kind, entries.rows)
        self._kind = kind
        self.ids = ids[order]
        self.orientation = entries.orientation[order].astype(np.int8)
        self.rows = entries.rows[order]
        self.alive = np.ones(len(ids), bool)
        self._tree = SketchTree(kind, self.rows)
        self._thinned = SketchTree(kind, self.rows[::_ONE_OF])
        self._sample = self.rows[:: max(1, len(ids) // _SAMPLE)]

    def near(self, entries: Entries, reach: float) -> Places:
        """Return the numbers of the entries and places that are within ``reach`` of each other, pair by pair."""
        queries, places = self._tree.near(entries.rows, reach)
        alive = self.alive[places]
        return queries[alive], places[alive]

    def expected_inspected(self, entries: Entries, reach: float) -> NDArray[np.intp]:
        """Return about how many places are inspected for each entry: counted among some of them."""
        return self._thinned.count(entries.rows, reach) * _ONE_OF

    def expected_found(self, entries: Entries, reach: float) -> NDArray[np.float64]:
        """Return about how many places are found for each entry: counted among a few of them."""
        near = np.zeros(len(entries.rows))
        for row in self._sample:
            near += within(entries.rows, np.broadcast_to(row, entries.rows.shape), reach)
        return near * (len(self.ids) / max(1, len(self._sample)))

    def joined(self, *others: _Level) -> _Level:
        """Return one level with the pictures that remain in this level and others."""
        levels = (self, *others)
        ids, orientation, rows = (
            np.concatenate([getattr(level, name)[level.alive] for level in levels])
            for name in ("ids", "orientation", "rows")
        )
        return _Level(self._kind, ids, Entries(np.arange(len(ids)), orientation, rows))


class Index:
    """The sketches of all known pictures, searchable by distance.

    Parameters
    ----------
    kind
        What the sketches are.
    orientations
        In which pictures are compared.
    """

    def __init__(self, kind: SketchKind, orientations: tuple[int, ...]) -> None:
        self._kind = kind
        self._orientations = orientations
        self._levels: list[_Level] = []

    def __len__(self) -> int:
        return sum(int(np.count_nonzero(level.alive)) for level in self._levels)

    @property
    def trees(self) -> int:
        """Number of trees that a query visits."""
        return len(self._levels)

    def add(self, new: Block) -> None:
        """Add new pictures."""
        if not len(new.ids):
            return
        level = _Level(self._kind, new.ids, canonical(self._kind, new.rows, self._orientations))
        while self._levels and len(self._levels[-1].ids) < max(_SMALL, _RATIO * len(level.ids)):
            level = self._levels.pop().joined(level)
        self._levels.append(level)

    def remove(self, ids: Sequence[int] | NDArray[np.int64]) -> None:
        """Forget ids; unknown ids are ignored."""
        gone = np.asarray(ids, np.int64)
        for number, level in enumerate(self._levels):
            level.alive &= ~np.isin(level.ids, gone)
            if 2 * np.count_nonzero(level.alive) < len(level.ids):
                self._levels[number] = level.joined()

    def ids(self) -> NDArray[np.int64]:
        """Return all known ids."""
        parts = [level.ids[level.alive] for level in self._levels]
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def expected_inspected(self, rows: NDArray[np.float32], reach: float) -> NDArray[np.intp]:
        """Return about how many places are inspected for each sketch (m, size)."""
        entries = asked(self._kind, rows, self._orientations, reach)
        total = np.zeros(len(rows), np.intp)
        for level in self._levels:
            np.add.at(total, entries.number, level.expected_inspected(entries, reach))
        return total

    def expected_found(self, rows: NDArray[np.float32], reach: float) -> NDArray[np.float64]:
        """Return about how many candidates are found for each sketch (m, size)."""
        entries = asked(self._kind, rows, self._orientations, reach)
        total = np.zeros(len(rows))
        for level in self._levels:
            np.add.at(total, entries.number, level.expected_found(entries, reach))
        return total

    def candidates(self, others: Block, reach: float) -> Candidates:
        """Pair known pictures with others that may match them: whose sketches are within ``reach``."""
        entries = asked(self._kind, others.rows, self._orientations, reach)
        parts = [_NONE]
        for level in self._levels:
            queries, places = level.near(entries, reach)
            if len(queries):
                orientation = AFTER[INVERSE[level.orientation[places]], entries.orientation[queries]]
                parts.append(Candidates(level.ids[places], others.ids[entries.number[queries]], orientation))
        return together(parts)


def search_new(index: Index, new: Block, comparison: Comparison) -> Iterator[Hits]:
    """Yield every pair within the limit that includes a new picture.

    Add the new pictures to the index afterwards.

    Parameters
    ----------
    index
        The known pictures.
    new
        Distinct pictures, none of them in the index.
    comparison
        Of the kind and the orientations of the index.
    """
    if not len(new.ids) or comparison.limit < 0:
        return
    among = Index(comparison.kind, comparison.orientations)
    among.add(new)
    inspected, crowded = _crowded((index, among), new.rows, comparison)
    if crowded.any():  # sketches exclude so little that trying every pair is cheaper and needs less memory
        yield from product_hits(np.concatenate([index.ids(), new.ids[~crowded]]), new.ids[crowded], comparison)
        yield from product_hits_within(new.ids[crowded], comparison)
        among.remove(new.ids[crowded])
        new, inspected = Block(new.ids[~crowded], new.rows[~crowded]), inspected[~crowded]
    for portion in _portions(inspected + len(comparison.orientations)):
        block = new.part(portion.start, portion.stop)
        alike = among.candidates(block, comparison.reach)
        once = alike.a < alike.b
        candidates = (index.candidates(block, comparison.reach), Candidates(*(part[once] for part in alike)))
        yield from refine(together(candidates), comparison)


def _crowded(
    searched: Sequence[Index], rows: NDArray[np.float32], comparison: Comparison
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return about how many places are inspected for each new picture, and which have too many candidates."""
    reach, known = comparison.reach, sum(map(len, searched))
    inspected: NDArray[np.intp] = np.sum([one.expected_inspected(rows, reach) for one in searched], axis=0)
    every_pair = len(comparison.orientations) * known * pair_cost(comparison)
    crowded = inspected * (INSPECTED_COST + CANDIDATE_COST) > every_pair
    if crowded.any():
        found = np.sum([one.expected_found(rows[crowded], reach) for one in searched], axis=0)
        cost = inspected[crowded] * INSPECTED_COST + found * CANDIDATE_COST
        crowded[crowded] = cost > every_pair
        # For every pair, all rows are fetched once, which a few new pictures are not worth, unless they have so many
        # candidates that these would take much memory.
        if np.maximum(cost - every_pair, 0).sum() < known * FETCH_COST:
            crowded &= inspected > _CANDIDATES_AT_ONCE
    return inspected, crowded


def _portions(counts: NDArray[np.intp]) -> Iterator[slice]:
    """Yield slices of rows, each with no more candidates than are held at once, or with a single row."""
    start = 0
    while start < len(counts):
        stop = start + max(1, int(np.searchsorted(np.cumsum(counts[start:]), _CANDIDATES_AT_ONCE, side="right")))
        yield slice(start, stop)
        start = stop
