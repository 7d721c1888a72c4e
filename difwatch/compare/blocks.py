"""One block of pictures against another: candidates by sketches, or every pair where these would exclude little."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.comparison import Comparison
from difwatch.compare.fold import asked, canonical
from difwatch.compare.grid import SketchGrid
from difwatch.compare.hits import Hits, joined
from difwatch.compare.orientation import AFTER, INVERSE
from difwatch.compare.product import CANDIDATE_COST, product_hits, product_hits_within
from difwatch.compare.refine import Candidates, refine, together
from difwatch.compare.sketch import Block
from difwatch.compare.tree import Neighbourhood, SketchTree

_PAIRS_AT_ONCE = 4_000_000
_ROWS_AT_ONCE = 1024
_CANDIDATES_AT_ONCE = 2_000_000
_SAMPLE = 8
_SAMPLES = 4
_REFINE_AT_LEAST = 4096  # candidates, because each time costs a request for tensors


def hits_between(a: Block, b: Block | None, comparison: Comparison, start: int = 0) -> Iterator[tuple[int, Hits]]:
    """Yield the hits between two disjoint blocks, or within one.

    Parameters
    ----------
    a, b
        ``b`` is None for the pairs within ``a``, which is then in ascending order of its levels.
    comparison
        Its ``fetch`` is called for a bounded number of bytes at a time.
    start
        Number of pictures of the second block that are already done.

    Yields
    ------
    done, hits
        Number of pictures of the second block that are done so far, and the hits since the last item.
    """
    known = _Known(a, comparison)
    second = a if b is None else b
    step = max(1, min(_ROWS_AT_ONCE, _PAIRS_AT_ONCE // max(1, len(a.ids))))
    if comparison.is_wide and len(second.ids):
        parts_of_it = np.array_split(second.rows, min(_SAMPLES, len(second.ids)))  # likeness goes with the level
        expected = max(map(known.expected, parts_of_it))
        step = max(64, int(_CANDIDATES_AT_ONCE / max(expected, 1.0)))  # a grid serves many together
    waiting: list[Candidates] = []
    for first in range(start, len(second.ids), step):
        batch = second.part(first, first + step)
        offset = first if b is None else None
        parts: list[Hits] = []
        crowded = known.is_crowded(batch.rows)
        if crowded:
            parts += _every_pair(a.ids, batch.ids, offset, comparison)
        else:
            waiting.append(known.candidates(batch, offset))
        last = first + step >= len(second.ids)
        if crowded or last or sum(len(candidates.a) for candidates in waiting) >= _REFINE_AT_LEAST:
            if waiting:
                parts += refine(together(waiting), comparison)
            waiting.clear()
            yield first + len(batch.ids), joined(parts)


def _every_pair(
    a: NDArray[np.int64], batch: NDArray[np.int64], offset: int | None, comparison: Comparison
) -> Iterator[Hits]:
    others = a if offset is None else a[:offset]
    yield from product_hits(others, batch, comparison)
    if offset is not None:
        yield from product_hits_within(batch, comparison)


class _Known:
    """A block whose sketches are searchable, each in its canonical orientation."""

    def __init__(self, block: Block, comparison: Comparison) -> None:
        self._comparison = comparison
        self._ids = block.ids
        kind, reach = comparison.kind, comparison.reach
        self._entries = canonical(kind, block.rows, comparison.orientations)
        rows = self._entries.rows
        self._near: Neighbourhood = SketchGrid(kind, rows, reach) if comparison.is_wide else SketchTree(kind, rows)

    def is_crowded(self, rows: NDArray[np.float32]) -> bool:
        """Tell from a sample of sketches whether trying every pair is cheaper than refining the candidates."""
        every_pair = len(self._ids) * len(self._comparison.orientations)
        return self.expected(rows) * CANDIDATE_COST > every_pair

    def expected(self, rows: NDArray[np.float32]) -> float:
        """Return about how many candidates a sketch has, from a sample of some."""
        sample = rows[:: max(1, len(rows) // _SAMPLE)]
        return len(self._candidates(sample)[0]) / len(sample)

    def candidates(self, batch: Block, offset: int | None) -> Candidates:
        """Return the candidates for a batch; at an offset in this very block, only pairs with earlier pictures."""
        number, orientation, places = self._candidates(batch.rows, no_higher=offset is not None)
        kept = slice(None) if offset is None else places < offset + number
        return Candidates(self._ids[places[kept]], batch.ids[number[kept]], orientation[kept])

    def _candidates(
        self, rows: NDArray[np.float32], no_higher: bool = False
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Return the numbers of sketches, their orientations, and the places of pictures that may match."""
        comparison = self._comparison
        entries = asked(comparison.kind, rows, comparison.orientations, comparison.reach)
        queries, places = self._near.near(entries.rows, comparison.reach, no_higher)
        orientation = AFTER[INVERSE[self._entries.orientation[places]], entries.orientation[queries]]
        return entries.number[queries], orientation, places
