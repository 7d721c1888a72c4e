"""Every way to search, on tensors in memory, and what it gives as the naive twin does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from difwatch.compare.budget import block_rows
from difwatch.compare.by_tensor import ByTensor
from difwatch.compare.by_tone import entries_of
from difwatch.compare.chunked import ChunkedSearch, Chunks, cuts_of
from difwatch.compare.comparison import Comparison
from difwatch.compare.executor import Executor, Inline
from difwatch.compare.held import Held
from difwatch.compare.hits import Hits, joined
from difwatch.compare.index import Index, search_new
from difwatch.compare.orientation import admitted
from difwatch.compare.product import product_hits_within
from difwatch.compare.sketch import Block
from difwatch.compare.tensor_sketch import tensor_sketches
from difwatch.compare.tone import tones
from difwatch.compare.tone_sketch import tone_sketches


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


class Shown:
    """Tensors in memory, some with the tone of what is inside their edges: `difwatch.compare.by_tone.Pixels`."""

    def __init__(self, ids: Sequence[int], tensors: np.ndarray, insides: Mapping[int, np.ndarray] = {}) -> None:
        self.tensors = Held(np.array(ids, np.int64), as_rows(tensors))
        self._insides = insides
        self._values = tensors.shape[1] ** 2

    def insides(self, ids):
        which = [id_ for id_ in ids.tolist() if id_ in self._insides]
        rows = [self._insides[id_].reshape(-1) for id_ in which]
        return np.array(which, np.int64), np.array(rows, np.uint8).reshape(len(rows), self._values)


def by_tensor(ids, tensors, limit, rotate=True, mirror=False) -> ByTensor:
    """How the library compares, and what is to be compared."""
    held = Held(np.array(ids, np.int64), as_rows(tensors))
    return ByTensor(tensors.shape[1], limit, held, admitted(rotate, mirror))


def tensor_block(ids, tensors) -> Block:
    return Block(np.array(ids, np.int64), tensor_sketches(tensors))


def tone_block(ids, tensors, insides: Mapping[int, np.ndarray] = {}) -> Block:
    """The entries of pictures: their tones, and those of what is inside."""
    names = np.array(ids, np.int64)
    rows, has_tone = tones(as_rows(tensors))
    inside = np.array([id_ for id_ in ids if id_ in insides], np.int64)
    inner = [insides[id_].reshape(-1) for id_ in inside.tolist()]
    sketches = [tone_sketches(np.array(some, np.uint8)) for some in (rows[has_tone], inner) if len(some)]
    empty = np.zeros((0, 32), np.float32)
    entries = [entries_of(names[has_tone], inside=False), entries_of(inside, inside=True)]
    return Block(np.concatenate(entries), np.concatenate([empty, *sketches]))


def as_set(parts: Iterable[Hits]) -> set[tuple[int, int, int, int]]:
    """Hits as the twin gives them: (a, b, SSE, degrees); no pair may come twice."""
    hits = joined(parts)
    listed = [tuple(hit) for hit in hits[["a", "b", "error", "sse_rotation"]].tolist()]
    assert len({one[:2] for one in listed}) == len(listed), "a pair came twice"
    return set(listed)


def classic(block: Block, comparison: Comparison, executor=None, processes=1) -> Iterable[Hits]:
    """All tensors in memory, in blocks of the size that is chosen for them: what the product calls classic."""
    return chunked(block, comparison, block_rows(len(block.ids), processes), executor, at_once=2 * processes)


def product(block: Block, comparison: Comparison) -> Iterable[Hits]:
    return product_hits_within(block.ids, comparison)


def chunked(
    block: Block, comparison: Comparison, chunk, executor: Executor | None = None, at_once=1
) -> Iterable[Hits]:
    chunks = Chunks(*block, comparison, cuts_of(comparison.kind, *block, chunk))
    for part in ChunkedSearch(chunks, chunks.tasks(), executor or Inline(), at_once):
        yield part.hits


def incremental(block: Block, comparison: Comparison, batch, index=None) -> list[Hits]:
    """Feed sketches in batches, as the daemon does."""
    index = empty_index(comparison) if index is None else index
    found = []
    for start in range(0, len(block.ids), batch):
        new = block.part(start, start + batch)
        found += search_new(index, new, comparison)
        index.add(new)
    return found


def empty_index(comparison: Comparison) -> Index:
    return Index(comparison.kind, comparison.orientations)


def as_rows(tensors: np.ndarray) -> np.ndarray:
    return tensors.reshape(len(tensors), 3 * tensors.shape[1] ** 2)
