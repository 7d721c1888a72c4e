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
    order = np.lexsort((candidates.orientation, candidates.b, candidates.a))
    a, b, orientation = (part[order] for part in candidates)
    first = np.flatnonzero(np.diff(a, prepend=-1) | np.diff(b, prepend=-1) != 0)  # row of each pair
    step = max(1, _FETCH_BYTES // (2 * comparison.row_bytes))
    for start in range(0, len(first), step):
        pairs = first[start : start + step]
        stop = first[start + step] if start + step < len(first) else len(a)
        rows = slice(pairs[0], stop)
        pair = np.searchsorted(pairs, np.arange(pairs[0], stop), side="right") - 1
        distances = _distances(Candidates(a[rows], b[rows], orientation[rows]), pair, comparison)
        yield comparison.hits(a[pairs], b[pairs], distances)


def _distances(candidates: Candidates, pair: NDArray[np.intp], comparison: Comparison) -> NDArray[np.int64]:
    ids, places = np.unique(np.concatenate([candidates.a, candidates.b]), return_inverse=True)
    fetched = comparison.fetch(ids)
    ours, theirs = places[: len(pair)], places[len(pair) :]
    distances = np.full((pair[-1] + 1, len(ALL)), FAR)
    for orientation in comparison.orientations:
        rows = np.flatnonzero(candidates.orientation == orientation)
        if len(rows):
            some = oriented_rows(fetched[theirs[rows]], orientation, comparison.channels)
            distances[pair[rows], orientation] = sse_rows(fetched[ours[rows]], some)
    return distances
