"""One block of tensors against another: candidates from the tree, or every pair where it would exclude little."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.distance import TURNS
from difwatch.compare.hits import Hits, joined
from difwatch.compare.product import CANDIDATE_COST, product_hits, product_hits_within
from difwatch.compare.quadrant import Entries, canonical, orientations, upright
from difwatch.compare.refine import Candidates, Fetch, refine, together
from difwatch.compare.sketch import radius
from difwatch.compare.tree import SketchTree

_PAIRS_AT_ONCE = 4_000_000
_ROWS_AT_ONCE = 1024
_SAMPLE = 16
_REFINE_AT_LEAST = 4096  # candidates, because each time costs a request for tensors


class Block(NamedTuple):
    """Tensors: their ids (n,), in any order, and sketches (n, 16)."""

    ids: NDArray[np.int64]
    rows: NDArray[np.float32]

    def part(self, start: int, stop: int) -> Block:
        """Return the tensors from ``start`` up to ``stop``."""
        return Block(self.ids[start:stop], self.rows[start:stop])


class Radius(NamedTuple):
    """How far to search: the largest SSE, the largest distance of sketches for it, and whether all turns count."""

    limit: int
    reach: float
    rotate: bool

    @classmethod
    def of(cls, limit: int, px: int, rotate: bool) -> Radius:
        """Return the radius for tensors with a side of ``px``."""
        return cls(limit, radius(limit, px), rotate)


def hits_between(
    a: Block, b: Block | None, fetch: Fetch, radius: Radius, start: int = 0
) -> Iterator[tuple[int, Hits]]:
    """Yield the hits between two disjoint blocks, or within one.

    Parameters
    ----------
    a, b
        ``b`` is None for the pairs within ``a``.
    fetch
        Called for tensors, a bounded number of bytes at a time.
    start
        Number of tensors of the second block that are already done.

    Yields
    ------
    done, hits
        Number of tensors of the second block that are done so far, and the hits since the last item.
    """
    known = _Known(a, radius)
    second = a if b is None else b
    step = max(1, min(_ROWS_AT_ONCE, _PAIRS_AT_ONCE // max(1, len(a.ids))))
    waiting: list[Candidates] = []
    for first in range(start, len(second.ids), step):
        batch = second.part(first, first + step)
        offset = first if b is None else None
        parts: list[Hits] = []
        crowded = known.is_crowded(batch.rows)
        if crowded:
            parts += _every_pair(a.ids, batch.ids, offset, fetch, radius)
        else:
            waiting.append(known.candidates(batch, offset))
        last = first + step >= len(second.ids)
        if crowded or last or sum(len(candidates.a) for candidates in waiting) >= _REFINE_AT_LEAST:
            if waiting:
                parts += refine(together(waiting), fetch, radius.limit)
            waiting.clear()
            yield first + len(batch.ids), joined(parts)


def _every_pair(
    a: NDArray[np.int64], batch: NDArray[np.int64], offset: int | None, fetch: Fetch, radius: Radius
) -> Iterator[Hits]:
    others = a if offset is None else a[:offset]
    yield from product_hits(others, batch, fetch, radius.limit, radius.rotate)
    if offset is not None:
        yield from product_hits_within(batch, fetch, radius.limit, radius.rotate)


class _Known:
    """A block as a tree of sketches, each in its canonical turn."""

    def __init__(self, block: Block, radius: Radius) -> None:
        self._radius = radius
        self._ids = block.ids
        self._entries = canonical(block.rows) if radius.rotate else upright(block.rows)
        self._tree = SketchTree(self._entries.rows)

    def is_crowded(self, rows: NDArray[np.float32]) -> bool:
        """Tell from a sample of sketches whether trying every pair is cheaper than refining the candidates."""
        sample = rows[:: max(1, len(rows) // _SAMPLE)]
        candidates = len(self._tree.near(self._asked(sample).rows, self._radius.reach)[0])
        every_pair = len(sample) * len(self._ids) * (len(TURNS) if self._radius.rotate else 1)
        return candidates * CANDIDATE_COST > every_pair

    def candidates(self, batch: Block, offset: int | None) -> Candidates:
        """Return the candidates for a batch; at an offset in this very block, only pairs with earlier tensors."""
        asked = self._asked(batch.rows)
        queries, places = self._tree.near(asked.rows, self._radius.reach)
        number = asked.number[queries]
        turn = (asked.turn[queries] - self._entries.turn[places]) % len(TURNS)
        kept = slice(None) if offset is None else places < offset + number
        return Candidates(self._ids[places[kept]], batch.ids[number[kept]], turn[kept])

    def _asked(self, rows: NDArray[np.float32]) -> Entries:
        return orientations(rows, self._radius.reach) if self._radius.rotate else upright(rows)
