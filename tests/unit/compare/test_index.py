"""The quadrant and the index: every turn of every near pair once, whatever came and went before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.compare import index as index_module
from difwatch.compare import refine
from difwatch.compare.distance import limit_of
from difwatch.compare.fold import asked, canonical
from difwatch.compare.index import search_new
from difwatch.compare.orientation import AFTER, INVERSE, TURNS, admitted
from difwatch.compare.sketch import Block
from difwatch.compare.tensor_sketch import TENSOR_SKETCH, tensor_radius, tensor_sketches
from tests.support import naive
from tests.support.searching import as_set, by_tensor, clustered, empty_index, incremental, tensor_block

SLOPE = [TENSOR_SKETCH.across, TENSOR_SKETCH.down]


@given(
    seed=st.integers(0, 2**32),
    px=st.sampled_from([10, 13]),
    noise=st.integers(0, 40),
    limit=st.integers(0, 200_000),
    rotate=st.booleans(),
    mirror=st.booleans(),
)
def test_canonical_against_asked_finds_each_orientation_of_each_near_pair_once(
    seed, px, noise, limit, rotate, mirror
):
    rows = tensor_sketches(clustered(seed, 12, px, noise))
    reach, orientations = tensor_radius(limit, px), admitted(rotate, mirror)
    known, others = canonical(TENSOR_SKETCH, rows, orientations), asked(TENSOR_SKETCH, rows, orientations, reach)
    found = []
    for one, orientation, row in zip(others.number, others.orientation, others.rows, strict=True):
        near = np.flatnonzero(distances(known.rows, row) <= reach)
        found += [(int(a), int(one), int(AFTER[INVERSE[known.orientation[a]], orientation])) for a in near]
    assert len(found) == len(set(found))
    for a in range(12):
        for b in range(12):
            for orientation in orientations:
                apart = distances(rows[a], TENSOR_SKETCH.oriented(rows[b : b + 1], orientation)[0])
                # On the edge itself, a sketch that is turned first may round to the other side.
                if apart < reach * (1 - 1e-6):
                    assert (a, b, orientation) in found
                elif apart > reach * (1 + 1e-6):
                    assert (a, b, orientation) not in found


def test_orientations_are_composed_and_undone_as_arrays_are():
    picture = np.arange(27).reshape(3, 3, 3)
    for first in range(8):
        once = naive.orient(picture, first)
        assert (naive.orient(once, int(INVERSE[first])) == picture).all()
        for second in range(8):
            assert (naive.orient(once, second) == naive.orient(picture, int(AFTER[second, first]))).all()


def distances(some, row):
    return np.sqrt(((some.astype(np.float64) - row) ** 2).sum(axis=-1))


def test_a_canonical_sketch_has_its_slope_in_the_wedge_and_few_others_are_asked_for():
    rows = tensor_sketches(np.random.default_rng(1).integers(0, 256, (500, 20, 20, 3), dtype=np.uint8))
    turned, either = (admitted(rotate=True, mirror=mirror) for mirror in (False, True))
    known = canonical(TENSOR_SKETCH, rows, turned)
    assert (known.rows[:, SLOPE] >= 0).all()
    assert set(known.orientation) == set(TURNS)
    slope = canonical(TENSOR_SKETCH, rows, either).rows[:, SLOPE]
    assert (slope[:, 0] >= slope[:, 1]).all() and (slope >= 0).all()
    for orientations in (turned, either):
        assert len(asked(TENSOR_SKETCH, rows, orientations, 0.0).rows) == 500, "with no radius, one of each"
        flat = tensor_sketches(np.full((1, 10, 10, 3), 9, np.uint8))
        count = len(asked(TENSOR_SKETCH, flat, orientations, 1.0).rows)
        assert count == len(orientations), "a picture without a slope has no orientation of its own"


@given(
    seed=st.integers(0, 2**32),
    steps=st.lists(st.tuples(st.sampled_from(["add", "remove", "restart"]), st.integers(1, 700)), max_size=12),
)
def test_an_index_through_additions_removals_and_restarts_finds_what_a_new_one_finds(seed, steps):
    tensors = clustered(seed, 1500, 10, 2)
    comparison = by_tensor(range(1500), tensors, limit_of(5, 300))
    rng = np.random.default_rng(seed)
    index, there = empty_index(comparison), set()
    for step, count in steps:
        if step == "add":
            new = rng.permutation(np.array(sorted(set(range(1400)) - there), np.int64))[:count]
            index.add(tensor_block(new, tensors[new]))
            there |= set(new.tolist())
        elif step == "remove":
            gone = rng.permutation(np.array(sorted(there), np.int64))[:count].tolist()
            index.remove(gone)
            there -= set(gone)
        else:
            index = fresh(there, tensors, comparison)
        assert len(index) == len(there)
    new = tensor_block(range(1400, 1500), tensors[1400:])
    expected = as_set(search_new(fresh(there, tensors, comparison), new, comparison))
    assert as_set(search_new(index, new, comparison)) == expected


def fresh(there, tensors, comparison):
    index, ids = empty_index(comparison), np.array(sorted(there), np.int64)
    index.add(tensor_block(ids, tensors[ids]))
    return index


def test_the_number_of_trees_grows_with_the_logarithm():
    tensors = np.random.default_rng(1).integers(0, 256, (256, 10, 10, 3), dtype=np.uint8)
    index, rows = empty_index(by_tensor(range(256), tensors, 0)), tensor_sketches(tensors)
    most = 0
    for start in range(0, 40_000, 256):
        index.add(Block(np.arange(start, start + 256), rows))
        most = max(most, index.trees)
    assert len(index) == 40_192
    assert most <= 4, "so a query asks few of them"


def test_an_empty_index_and_one_of_a_single_tensor_answer():
    one = clustered(1, 1, 10, 0)
    both = by_tensor([7, 3], np.concatenate([one, one]), 0)
    index, three = empty_index(both), tensor_block([3], one)
    assert as_set(search_new(index, tensor_block([], one[:0]), both)) == set()
    assert as_set(incremental(tensor_block([7], one), both, 1, index)) == set()
    assert as_set(search_new(index, three, both)) == {(3, 7, 0, 0)}
    index.remove([7])
    assert as_set(search_new(index, three, both)) == set()


@pytest.mark.parametrize("cost", [0.0, 25.0, 1e9])
@pytest.mark.parametrize("rotate", [False, True])
def test_scanned_pages_that_sketches_cannot_tell_apart_are_compared_in_bounded_memory(monkeypatch, cost, rotate):
    """Nearly white pages: all sketches are within reach, and no two pages match."""
    rng = np.random.default_rng(5)
    pages = (245 - rng.integers(0, 31, (420, 10, 10, 1), dtype=np.uint8)).repeat(3, axis=3)
    pages[400] = np.rot90(pages[3]) if rotate else pages[3]
    pages[410] = pages[405]
    held = []

    def watched(candidates, comparison):
        held.append(len(candidates.a))
        return refine.refine(candidates, comparison)

    monkeypatch.setattr(index_module, "CANDIDATE_COST", cost)
    monkeypatch.setattr(index_module, "_CANDIDATES_AT_ONCE", 3000)
    monkeypatch.setattr(index_module, "refine", watched)
    comparison = by_tensor(range(420), pages, limit_of(50, 300), rotate)
    index = empty_index(comparison)
    index.add(tensor_block(range(400), pages[:400]))
    found = search_new(index, tensor_block(range(400, 420), pages[400:]), comparison)
    turns = {(a, b): turn for a, b, sse, turn in as_set(found) if sse == 0}
    assert turns.keys() == {(3, 400), (405, 410)}
    assert held == [] if cost else max(held) <= 3000


def test_one_page_with_more_candidates_than_are_held_is_compared_with_all(monkeypatch):
    pages = (245 - np.random.default_rng(5).integers(0, 31, (401, 10, 10, 1), dtype=np.uint8)).repeat(3, axis=3)
    pages[400] = pages[7]
    monkeypatch.setattr(index_module, "FETCH_COST", 1e9)
    monkeypatch.setattr(index_module, "_CANDIDATES_AT_ONCE", 1000)
    monkeypatch.setattr(index_module, "refine", None)  # so that nothing can be refined
    comparison = by_tensor(range(401), pages, limit_of(50, 300))
    index = empty_index(comparison)
    index.add(tensor_block(range(400), pages[:400]))
    found = as_set(search_new(index, tensor_block([400], pages[400:]), comparison))
    assert {pair[:2] for pair in found} == {(7, 400)}
