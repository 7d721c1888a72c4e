"""Full search: trees and products agree, blocks miss nothing, memory is bounded, budgets hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.compare import blocks, budget, refine
from difwatch.compare.by_tensor import ByTensor
from difwatch.compare.chunked import ChunkedSearch, Chunks, cuts_of, search_blocks
from difwatch.compare.distance import FAR, limit_of
from difwatch.compare.executor import Inline
from difwatch.compare.product import product_hits
from difwatch.compare.tensor_sketch import TENSOR_SKETCH
from tests.support import naive
from tests.support.searching import as_set, by_tensor, chunked, classic, clustered, product, tensor_block


@pytest.mark.parametrize("cost", [0.0, 1e9])
@given(
    seed=st.integers(0, 2**32),
    threshold=st.sampled_from([0, 5, 2000, 9000]),
    rotate=st.booleans(),
    mirror=st.booleans(),
)
def test_the_tree_and_the_product_find_the_same(cost, seed, threshold, rotate, mirror):
    tensors = clustered(seed, 40, 10, 3)
    ids = list(range(40))
    comparison, block = by_tensor(ids, tensors, limit_of(threshold, 300), rotate, mirror), tensor_block(ids, tensors)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "CANDIDATE_COST", cost)  # every batch by the tree, or by products
        found = as_set(chunked(block, comparison, 17))
    assert found == as_set(product(block, comparison))


@pytest.mark.parametrize("px", [10, 64, 105])
def test_products_are_exact_where_the_values_are_extreme(px):
    rng = np.random.default_rng(px)
    dark = rng.integers(0, 2, (6, px, px, 3), dtype=np.uint8)
    bright = 255 - rng.integers(0, 2, (6, px, px, 3), dtype=np.uint8)
    tensors = np.concatenate([dark, bright])
    ids = np.arange(12)
    (hits,) = product_hits(ids[:6], ids[6:], by_tensor(ids, tensors, FAR - 1))
    assert len(hits) == 36
    for hit in hits:
        expected = [naive.sse(tensors[hit["a"]], naive.orient(tensors[hit["b"]], turn)) for turn in range(4)]
        assert hit["error"] == min(expected) > 64_000 * 3 * px * px, "beyond 32 bits at the largest of these sizes"
        assert hit["sse_upright"] == expected[0]


@pytest.mark.parametrize("count", [500, pytest.param(2000, marks=pytest.mark.slow)])
def test_many_equal_tensors_give_every_pair_once(count):
    tensors = np.full((count, 10, 10, 3), 7, np.uint8)
    comparison, block = by_tensor(range(count), tensors, 0), tensor_block(range(count), tensors)
    for way in (classic, product, lambda *given_: chunked(*given_, 300)):
        found = as_set(way(block, comparison))
        assert len(found) == count * (count - 1) // 2
        assert {one[2:] for one in found} == {(0, 0)}


def test_only_so_many_bytes_of_tensors_are_asked_for_at_once(monkeypatch):
    monkeypatch.setattr(refine, "_FETCH_BYTES", 300 * 40)
    tensors = clustered(4, 400, 10, 2)
    asked = []
    held = by_tensor(range(400), tensors, limit_of(5, 300))

    def fetch(ids):
        asked.append(len(ids))
        assert len(ids) == len(set(ids.tolist()))
        return held.fetch(ids)

    comparison = ByTensor(10, held.limit, fetch)
    monkeypatch.setattr(blocks, "CANDIDATE_COST", 0.0)
    block = tensor_block(range(400), tensors)
    chunks = Chunks(*block, comparison, cuts_of(TENSOR_SKETCH, *block, 100))
    parts = list(ChunkedSearch(chunks, chunks.tasks(), Inline()))
    assert sum(len(part.hits) for part in parts) > 500
    assert max(asked) <= 40


def test_a_task_with_many_hits_gives_them_in_parts(monkeypatch):
    monkeypatch.setattr("difwatch.compare.chunked._HITS_AT_ONCE", 500)
    tensors = clustered(4, 200, 10, 2)
    comparison, block = by_tensor(range(200), tensors, limit_of(65025, 300)), tensor_block(range(200), tensors)
    monkeypatch.setattr(blocks, "_ROWS_AT_ONCE", 10)
    chunks = Chunks(*block, comparison, cuts_of(TENSOR_SKETCH, *block, 100))
    parts = list(ChunkedSearch(chunks, chunks.tasks(), Inline()))
    assert sum(len(part.hits) for part in parts) == 200 * 199 // 2
    assert max(len(part.hits) for part in parts) <= 500 + 10 * 100
    assert [part.task for part in parts if part.last] == list(chunks.tasks())
    assert search_blocks(*chunks.blocks((0, 0)), comparison, 0)[0] is not None


@given(
    levels=st.lists(st.integers(0, 5), min_size=1, max_size=40),
    size=st.integers(1, 12),
    gone=st.sets(st.integers(0, 39)),
    limit=st.integers(0, 4000),
)
def test_blocks_hold_each_tensor_once_and_each_near_pair_is_in_a_task(levels, size, gone, limit):
    tensors = np.stack([np.full((10, 10, 3), 100 + level, np.uint8) for level in levels])
    ids, rows = tensor_block(range(len(levels)), tensors)
    cuts = cuts_of(TENSOR_SKETCH, ids, rows, size)
    left = np.array(sorted(set(ids.tolist()) - gone), np.int64)
    chunks = Chunks(left, rows[left], by_tensor(ids, tensors, limit), cuts)  # cut as before, though some are gone
    seen = set()
    for task in chunks.tasks():
        a, b = chunks.blocks(task)
        inside = [(int(x), int(y)) for x in a.ids for y in a.ids if x < y] if b is None else []
        across = [] if b is None else [tuple(sorted((int(x), int(y)))) for x in a.ids for y in b.ids]
        for pair in (*inside, *across):
            assert pair not in seen, "no pair is compared twice"
            seen.add(pair)
    for x in left.tolist():
        for y in left.tolist():
            if x < y and 300 * (levels[x] - levels[y]) ** 2 <= limit:
                assert (x, y) in seen


def test_up_to_5000_pictures_are_searched_in_memory_if_they_fit():
    assert budget.algorithm(5000, 7500, 1 << 30) == "classic"
    assert budget.algorithm(5001, 7500, 1 << 30) == "chunked"
    assert budget.algorithm(5000, 7500, 64 << 20) == "chunked", "their tensors take more than half of that"
    assert budget.algorithm(10, 75_000_000, 1 << 30) == "chunked"


def test_no_more_blocks_are_searched_at_once_than_fit_into_memory():
    assert budget.jobs_at_once(8, 1 << 40) == 8
    assert budget.jobs_at_once(8, 2 * budget.JOB_BYTES) == 2
    assert budget.jobs_at_once(8, 1) == 1


def test_blocks_are_as_large_as_is_wanted_but_there_are_never_too_many():
    assert budget.block_rows(100_000, 2, 5000) == 5000
    assert budget.block_rows(100_000, 2, 500) == 1024, "smaller ones save nothing"
    assert budget.block_rows(3000, 2, 1) == 94
    assert budget.block_rows(20, 2, 1) == 1
    assert budget.block_rows(10**7, 2, 1) == 2442
    assert budget.block_rows(10**6, 2) == 8192
    assert budget.block_rows(3000, 2) == 1024
    assert budget.block_rows(0, 1) >= 1
