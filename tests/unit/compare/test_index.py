"""The quadrant and the index: every turn of every near pair once, whatever came and went before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.compare import index as index_module
from difwatch.compare import refine
from difwatch.compare.distance import mse_limit
from difwatch.compare.index import Index, search_new
from difwatch.compare.quadrant import canonical, orientations
from difwatch.compare.sketch import ACROSS, DOWN, radius, sketches, turned_sketches
from tests.support.searching import as_set, clustered, fetcher, incremental


@given(
    seed=st.integers(0, 2**32),
    px=st.sampled_from([10, 13]),
    noise=st.integers(0, 40),
    limit=st.integers(0, 200_000),
)
def test_canonical_against_orientations_finds_each_turn_of_each_near_pair_once(seed, px, noise, limit):
    rows = sketches(clustered(seed, 12, px, noise))
    reach = radius(limit, px)
    known, asked = canonical(rows), orientations(rows, reach)
    found = []
    for one, turn, row in zip(asked.number, asked.turn, asked.rows, strict=True):
        near = np.flatnonzero(distances(known.rows, row) <= reach)
        found += [(int(other), int(one), int(turn - known.turn[other]) % 4) for other in near]
    assert len(found) == len(set(found))
    for a in range(12):
        for b in range(12):
            for turn in range(4):
                apart = distances(rows[a], turned_sketches(rows[b : b + 1], turn)[0])
                # On the edge itself, a sketch that is turned first may round to the other side.
                if apart < reach * (1 - 1e-6):
                    assert (a, b, turn) in found
                elif apart > reach * (1 + 1e-6):
                    assert (a, b, turn) not in found


def distances(some, row):
    return np.sqrt(((some.astype(np.float64) - row) ** 2).sum(axis=-1))


def test_a_canonical_sketch_has_its_slope_in_the_first_quadrant_and_few_others_are_asked_for():
    rows = sketches(np.random.default_rng(1).integers(0, 256, (500, 20, 20, 3), dtype=np.uint8))
    known = canonical(rows)
    assert (known.rows[:, [ACROSS, DOWN]] >= 0).all()
    assert set(known.turn) == {0, 1, 2, 3}
    assert len(orientations(rows, 0.0).rows) == 500, "with no radius, one turn of each"
    flat = sketches(np.full((1, 10, 10, 3), 9, np.uint8))
    assert len(orientations(flat, 1.0).rows) == 4, "a picture without a slope has no turn of its own"


@given(
    seed=st.integers(0, 2**32),
    steps=st.lists(st.tuples(st.sampled_from(["add", "remove", "restart"]), st.integers(1, 700)), max_size=12),
)
def test_an_index_through_additions_removals_and_restarts_finds_what_a_new_one_finds(seed, steps):
    tensors = clustered(seed, 1500, 10, 2)
    rng = np.random.default_rng(seed)
    index, there = Index(), set()
    for step, count in steps:
        if step == "add":
            new = rng.permutation(np.array(sorted(set(range(1400)) - there), np.int64))[:count]
            index.add(new.tolist(), sketches(tensors[new]))
            there |= set(new.tolist())
        elif step == "remove":
            gone = rng.permutation(np.array(sorted(there), np.int64))[:count].tolist()
            index.remove(gone)
            there -= set(gone)
        else:
            ids = np.array(sorted(there), np.int64)
            index = Index(ids, sketches(tensors[ids]))
        assert len(index) == len(there)
    new = list(range(1400, 1500))
    asked = (new, tensors[new], sketches(tensors[new]), fetcher(range(1500), tensors), mse_limit(5, 300))
    ids = np.array(sorted(there), np.int64)
    assert as_set(search_new(index, *asked)) == as_set(search_new(Index(ids, sketches(tensors[ids])), *asked))


def test_the_number_of_trees_grows_with_the_logarithm():
    index = Index()
    rows = sketches(np.random.default_rng(1).integers(0, 256, (256, 10, 10, 3), dtype=np.uint8))
    most = 0
    for start in range(0, 40_000, 256):
        index.add(range(start, start + 256), rows)
        most = max(most, index.trees)
    assert len(index) == 40_192
    assert most <= 4, "so a query asks few of them"


def test_an_empty_index_and_one_of_a_single_tensor_answer():
    one = clustered(1, 1, 10, 0)
    assert as_set(search_new(Index(), [], one[:0], sketches(one[:0]), fetcher([], one[:0]), 10)) == set()
    assert as_set(incremental([7], one, 10, True, 1)) == set()
    index = Index()
    incremental([7], one, 10, True, 1, index)
    assert as_set(search_new(index, [3], one, sketches(one), fetcher([7], one), 0)) == {(3, 7, 0, 0)}
    index.remove([7])
    assert as_set(search_new(index, [3], one, sketches(one), fetcher([7], one), 0)) == set()


@pytest.mark.parametrize("cost", [0.0, 25.0, 1e9])
@pytest.mark.parametrize("rotate", [False, True])
def test_scanned_pages_that_sketches_cannot_tell_apart_are_compared_in_bounded_memory(monkeypatch, cost, rotate):
    """Nearly white pages: all sketches are within reach, and no two pages match."""
    rng = np.random.default_rng(5)
    pages = (245 - rng.integers(0, 31, (420, 10, 10, 1), dtype=np.uint8)).repeat(3, axis=3)
    pages[400] = np.rot90(pages[3]) if rotate else pages[3]
    pages[410] = pages[405]
    held = []

    def watched(candidates, fetch, limit):
        held.append(len(candidates.a))
        return refine.refine(candidates, fetch, limit)

    monkeypatch.setattr(index_module, "CANDIDATE_COST", cost)
    monkeypatch.setattr(index_module, "_CANDIDATES_AT_ONCE", 3000)
    monkeypatch.setattr(index_module, "refine", watched)
    index = Index(np.arange(400), sketches(pages[:400]))
    found = search_new(
        index,
        range(400, 420),
        pages[400:],
        sketches(pages[400:]),
        fetcher(range(420), pages),
        mse_limit(50, 300),
        rotate=rotate,
    )
    turns = {(a, b): turn for a, b, sse, turn in as_set(found) if sse == 0}
    assert turns.keys() == {(3, 400), (405, 410)}
    assert held == [] if cost else max(held) <= 3000
