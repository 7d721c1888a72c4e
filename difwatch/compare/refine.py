"""From candidates to hits: the tensors themselves decide, in integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.distance import FAR, TURNS, sse_rows, turned_rows
from difwatch.compare.hits import Hits, hits_within

Fetch = Callable[[NDArray[np.int64]], NDArray[np.uint8]]
"""Returns the tensors of distinct ids as rows (n, d), in the order of the ids."""

_FETCH_BYTES = 32 << 20


class Held:
    """Tensors in memory, by id.

    Parameters
    ----------
    ids : ndarray of int64, shape (n,)
        Distinct, in any order.
    tensors : ndarray of uint8, shape (n, d)
    """

    def __init__(self, ids: NDArray[np.int64], tensors: NDArray[np.uint8]) -> None:
        self._order = np.argsort(ids)
        self._ids = ids[self._order]
        self._tensors = tensors

    def __call__(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the tensors of some ids as rows (n, d)."""
        return self._tensors[self._order[np.searchsorted(self._ids, ids)]]

    def has(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell for each id whether its tensor is held."""
        return np.isin(ids, self._ids)


class Overlaid:
    """Tensors of which some are in memory and the others are fetched."""

    def __init__(self, held: Held, fetch: Fetch) -> None:
        self._held = held
        self._fetch = fetch

    def __call__(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the tensors of some ids as rows (n, d)."""
        here = self._held.has(ids)
        if here.all():
            return self._held(ids)
        others = self._fetch(ids[~here])
        rows = np.empty((len(ids), others.shape[1]), np.uint8)
        rows[here], rows[~here] = self._held(ids[here]), others
        return rows


class Candidates(NamedTuple):
    """Pairs that the sketches could not exclude: ``b[i]`` turned ``turn[i]`` times may match ``a[i]``."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    turn: NDArray[np.intp]


def together(parts: Sequence[Candidates]) -> Candidates:
    """Join candidates; there must be at least one part."""
    return Candidates(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def refine(candidates: Candidates, fetch: Fetch, limit: int) -> Iterator[Hits]:
    """Yield the hits among candidates.

    A turn that is no candidate is beyond the limit. It is never the best turn of a hit, so it is not computed.

    Parameters
    ----------
    candidates
        Each pair and turn once, a pair always in the same order.
    fetch
        Called for the tensors, a bounded number of bytes at a time.
    limit
        Largest sum of squared errors.
    """
    order = np.lexsort((candidates.turn, candidates.b, candidates.a))
    a, b, turn = (part[order] for part in candidates)
    first = np.flatnonzero(np.diff(a, prepend=-1) | np.diff(b, prepend=-1) != 0)  # row of each pair
    if not len(first):
        return
    step = max(1, _FETCH_BYTES // (2 * fetch(a[:1]).shape[1]))
    for start in range(0, len(first), step):
        pairs = first[start : start + step]
        stop = first[start + step] if start + step < len(first) else len(a)
        rows = slice(pairs[0], stop)
        pair = np.searchsorted(pairs, np.arange(pairs[0], stop), side="right") - 1
        distances = _distances(Candidates(a[rows], b[rows], turn[rows]), pair, fetch)
        yield hits_within(a[pairs], b[pairs], distances, limit)


def _distances(candidates: Candidates, pair: NDArray[np.intp], fetch: Fetch) -> NDArray[np.int64]:
    ids, places = np.unique(np.concatenate([candidates.a, candidates.b]), return_inverse=True)
    tensors = fetch(ids)
    ours, theirs = places[: len(pair)], places[len(pair) :]
    distances = np.full((pair[-1] + 1, len(TURNS)), FAR)
    for turn in range(len(TURNS)):
        rows = np.flatnonzero(candidates.turn == turn)
        if len(rows):
            turned = turned_rows(tensors[theirs[rows]], turn)
            distances[pair[rows], turn] = sse_rows(tensors[ours[rows]], turned)
    return distances
