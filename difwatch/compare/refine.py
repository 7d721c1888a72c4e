"""From candidates to hits: the tensors or tones themselves decide, in integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.comparison import Comparison
from difwatch.compare.distance import FAR, sse_rows
from difwatch.compare.hits import Hits
from difwatch.compare.orientation import ALL, oriented_rows

_FETCH_BYTES = 32 << 20


class Candidates(NamedTuple):
    """Pairs that the sketches could not exclude: ``b[i]`` in ``orientation[i]`` may match ``a[i]``."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    orientation: NDArray[np.intp]


def together(parts: Sequence[Candidates]) -> Candidates:
    """Join candidates; there must be at least one part."""
    return Candidates(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def refine(candidates: Candidates, comparison: Comparison) -> Iterator[Hits]:
    """Yield the hits among candidates.

    An orientation that is no candidate is beyond the limit. It is never the best one of a hit, so it is not computed.

    Parameters
    ----------
    candidates
        Each pair and orientation once, a pair always in the same order.
    comparison
        Its ``fetch`` is called for a bounded number of bytes at a time.
    """
    for some in _batches(candidates, max(4, _FETCH_BYTES // comparison.fetched_bytes)):
        batch = Candidates(*(part[some] for part in candidates))
        first = np.diff(batch.a, prepend=-1) | np.diff(batch.b, prepend=-1) != 0
        distances = np.full((np.count_nonzero(first), len(ALL)), FAR)
        distances[np.cumsum(first) - 1, batch.orientation] = _distances(batch, comparison)
        yield comparison.hits(batch.a[first], batch.b[first], distances)


def _batches(candidates: Candidates, most: int) -> Iterator[NDArray[np.intp]]:
    """Yield places of candidates, those of a pair one after another, such that a batch has at most ``most`` ids.

    Where every picture has many candidates, as among pages of text, they are taken by tiles: each of some pictures
    with each of some others. So each row is fetched a few times only, and not once for each candidate.
    """
    ours, theirs = (np.unique(ids, return_inverse=True)[1] // (most // 4) for ids in (candidates.a, candidates.b))
    order = np.lexsort((candidates.orientation, candidates.b, candidates.a, theirs, ours))
    tiles = np.flatnonzero(np.diff(ours[order], prepend=-1) | np.diff(theirs[order], prepend=-1))
    sizes = np.diff(tiles, append=len(order))
    start, ids = 0, 0
    for tile, size in zip(tiles.tolist(), np.minimum(2 * sizes, most // 2).tolist(), strict=True):
        if ids + size > most:
            yield order[start:tile]
            start, ids = tile, 0
        ids += size
    if start < len(order):
        yield order[start:]


def _distances(candidates: Candidates, comparison: Comparison) -> NDArray[np.int64]:
    """Return the distance of each candidate."""
    ids, places = np.unique(np.concatenate([candidates.a, candidates.b]), return_inverse=True)
    fetched = comparison.fetch(ids)
    ours, theirs = places[: len(candidates.a)], places[len(candidates.a) :]
    distances = np.empty(len(candidates.a), np.int64)
    step = max(1, _FETCH_BYTES // (2 * comparison.fetched_bytes))
    for orientation in comparison.orientations:
        rows = np.flatnonzero(candidates.orientation == orientation)
        for some in np.split(rows, range(step, len(rows), step)):
            turned = oriented_rows(fetched[theirs[some]], orientation, comparison.channels)
            distances[some] = sse_rows(fetched[ours[some]], turned)
    return distances
