"""Every way to search, on tensors in memory, and what it gives as the naive twin does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from difwatch.compare.blocks import Radius
from difwatch.compare.budget import block_rows
from difwatch.compare.chunked import ChunkedSearch, Chunks, cuts_of
from difwatch.compare.executor import Executor, Inline
from difwatch.compare.hits import Hits, joined
from difwatch.compare.index import Index, search_new
from difwatch.compare.product import product_hits_within
from difwatch.compare.refine import Held
from difwatch.compare.sketch import sketches


def clustered(seed: int, count: int, px: int, noise: int) -> np.ndarray:
    """Tensors in clusters of near-equal ones, turned at random; with flat, black and white ones among them."""
    rng = np.random.default_rng(seed)
    bases = [rng.integers(0, 256, (px, px, 3)) for _ in range(max(1, count // 4))]
    bases += [np.zeros((px, px, 3), int), np.full((px, px, 3), 255), np.full((px, px, 3), 128)]
    rows = []
    for _ in range(count):
        one = bases[rng.integers(len(bases))] + rng.integers(-noise, noise + 1, (px, px, 3))
        rows.append(np.rot90(np.clip(one, 0, 255), rng.integers(4)))
    return np.ascontiguousarray(np.stack(rows).astype(np.uint8)) if rows else np.zeros((0, px, px, 3), np.uint8)


def as_set(parts: Iterable[Hits]) -> set[tuple[int, int, int, int]]:
    """Hits as the twin gives them; no pair may come twice."""
    listed = [tuple(one)[:4] for one in joined(parts).tolist()]
    assert len(listed) == len(set(listed)), "a pair came twice"
    return set(listed)


def radius_of(tensors: np.ndarray, limit: int, rotate: bool) -> Radius:
    return Radius.of(limit, tensors.shape[1], rotate)


def classic(ids, tensors, limit, rotate, executor=None, processes=1) -> Iterable[Hits]:
    """All tensors in memory, in blocks of the size that is chosen for them: what the product calls classic."""
    block = block_rows(len(ids), processes)
    return chunked(ids, tensors, limit, rotate, block, executor, at_once=2 * processes)


def product(ids, tensors, limit, rotate) -> Iterable[Hits]:
    names = np.array(ids, np.int64)
    return product_hits_within(names, Held(names, _rows(tensors)), limit, rotate) if len(ids) else []


def chunked(ids, tensors, limit, rotate, chunk, executor: Executor | None = None, at_once=1) -> Iterable[Hits]:
    names, rows, found = np.array(ids, np.int64), sketches(tensors), radius_of(tensors, limit, rotate)
    chunks = Chunks(names, rows, found, cuts_of(names, rows, chunk))
    held = Held(names, _rows(tensors))
    for part in ChunkedSearch(chunks, chunks.tasks(), held, executor or Inline(), at_once):
        yield part.hits


def incremental(ids, tensors, limit, rotate, batch, index=None) -> list[Hits]:
    """Feed tensors in batches, as the daemon does."""
    index = Index() if index is None else index
    fetch = fetcher(ids, tensors)
    found = []
    for start in range(0, len(ids), batch):
        new_ids, new = ids[start : start + batch], tensors[start : start + batch]
        found += search_new(index, new_ids, new, sketches(new), fetch, limit, rotate)
        index.add(new_ids, sketches(new))
    return found


def fetcher(ids: Sequence[int], tensors: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return Held(np.array(ids, np.int64), _rows(tensors))


def _rows(tensors: np.ndarray) -> np.ndarray:
    return tensors.reshape(len(tensors), 3 * tensors.shape[1] ** 2)
