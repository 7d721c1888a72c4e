"""incremental == classic == the naive twin, as sets of (a, b, sse, rotation)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.compare.distance import mse_limit, sse_of_turns, sse_rows, turned
from difwatch.compare.hits import BEYOND, joined
from difwatch.compare.index import Index, search_new
from difwatch.compare.sketch import SIZE, radius, sketches, turned_sketches
from tests.support import naive
from tests.support.searching import as_set, chunked, classic, clustered, fetcher, incremental, product

cases = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32),
        "count": st.integers(0, 24),
        "px": st.sampled_from([10, 11, 64]),
        "noise": st.integers(0, 3),
        "threshold": st.sampled_from([0, 0.5, 1, 2, 3.7, 5, 50, 200, 2000, 65025]),
        "rotate": st.booleans(),
        "batch": st.integers(1, 9),
    }
)


@given(case=cases, shuffle=st.randoms(use_true_random=False), chunk=st.integers(1, 30))
def test_every_way_to_search_finds_what_the_naive_twin_finds(case, shuffle, chunk):
    tensors = clustered(case["seed"], case["count"], case["px"], case["noise"])
    ids = list(range(5, 5 + 3 * case["count"], 3))
    shuffle.shuffle(ids)
    limit = mse_limit(case["threshold"], 3 * case["px"] ** 2)
    given_ = (ids, tensors, limit, case["rotate"])
    expected = naive.tensor_pairs(*given_)
    assert as_set(classic(*given_)) == expected
    assert as_set(chunked(*given_, chunk)) == expected
    assert as_set(product(*given_)) == expected
    assert as_set(incremental(*given_, case["batch"])) == expected


@given(case=cases, gone=st.sets(st.integers(0, 23)), again=st.sets(st.integers(0, 23)))
def test_removed_tensors_are_not_found_until_they_come_back(case, gone, again):
    tensors = clustered(case["seed"], case["count"], case["px"], case["noise"])
    ids = list(range(case["count"]))
    limit = mse_limit(case["threshold"], 3 * case["px"] ** 2)
    index = Index()
    incremental(ids, tensors, limit, case["rotate"], case["batch"], index)
    removed = sorted(gone & set(ids))
    index.remove([*removed, 999])
    back = sorted(again & set(removed))
    found = search_new(
        index, back, tensors[back], sketches(tensors[back]), fetcher(ids, tensors), limit, case["rotate"]
    )
    present = sorted(set(ids) - set(removed) | set(back))
    everything = naive.tensor_pairs(present, tensors[present], limit, case["rotate"])
    assert as_set(found) == {one for one in everything if one[0] in back or one[1] in back}
    assert len(index) == len(ids) - len(removed)


def test_an_index_made_from_stored_sketches_answers_as_the_one_that_grew():
    tensors = clustered(3, 4000, 10, 2)
    ids = list(range(4000))
    limit = mse_limit(5, 300)
    grown = Index()
    for start in range(0, 3000, 500):  # grows past the size at which the tail is merged
        grown.add(ids[start : start + 500], sketches(tensors[start : start + 500]))
    stored = Index(np.arange(3000), sketches(tensors[:3000]))
    new = (ids[3000:], tensors[3000:], sketches(tensors[3000:]), fetcher(ids, tensors), limit)
    assert as_set(search_new(grown, *new)) == as_set(search_new(stored, *new)) != set()


def test_a_pair_exactly_on_the_limit_is_found_and_one_beyond_is_not():
    a = np.full((10, 10, 3), 100, np.uint8)
    b = a.copy()
    b[3, 4, 1] = 110  # SSE 100
    for limit, found in ((99, 0), (100, 1)):
        pair = np.stack([a, b])
        for way in (classic, product):
            assert len(as_set(way([1, 2], pair, limit, True))) == found
        assert len(as_set(incremental([1, 2], pair, limit, True, 1))) == found


def test_one_level_in_one_channel_is_no_duplicate():
    a = np.zeros((50, 50, 3), np.uint8)
    b = a.copy()
    b[49, 0, 2] = 1
    assert as_set(incremental([1, 2], np.stack([a, b]), 0, True, 2)) == set()
    assert as_set(incremental([1, 2], np.stack([a, b]), 1, True, 2)) == {(1, 2, 1, 0)}


def test_the_mean_of_a_picture_made_brighter_by_16_does_not_wrap_to_zero():
    a = np.full((50, 50, 3), 100, np.uint8)
    assert sse_of_turns(a, a + np.uint8(16))[0] == 16 * 16 * 7500


def test_all_four_turns_are_tried_and_the_angle_says_how_to_turn_the_second():
    a = np.random.default_rng(9).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    for turn in range(4):
        b = turned(a, -turn)  # turned by `turn` it is a again
        (hit,) = joined(incremental([1, 2], np.stack([a, b]), 0, True, 1))
        assert (hit["sse"], hit["rotation"], hit["rotation_back"]) == (0, 90 * turn, 90 * (-turn % 4))
        assert hit["sse_upright"] == (0 if turn == 0 else BEYOND)
        assert len(as_set(incremental([1, 2], np.stack([a, b]), 0, False, 1))) == (turn == 0)


def test_of_equally_good_turns_the_smallest_angle_is_told_from_both_sides():
    a = np.zeros((10, 10, 3), np.uint8)
    a[:5] = 200  # the half turn of a equals neither of the quarter turns
    a[5:] = 200
    a[:, :3] = 50
    a[:, 7:] = 50  # symmetric under the half turn
    b = np.rot90(a).copy()
    for way in (classic([1, 2], np.stack([a, b]), 0, True), product([1, 2], np.stack([a, b]), 0, True)):
        (hit,) = joined(way)
        assert (hit["rotation"], hit["rotation_back"]) == (90, 90)


@given(seed=st.integers(0, 2**32), px=st.sampled_from([10, 31, 50]), turn=st.integers(0, 3))
def test_a_sketch_never_lengthens_a_difference(seed, px, turn):
    rng = np.random.default_rng(seed)
    a, b = clustered(seed, 2, px, int(rng.integers(0, 60)))
    sa, sb = sketches(np.stack([a, turned(b, turn)])).astype(np.float64)
    distance = naive.sse(a, np.rot90(b, turn))
    assert math.sqrt(((sa - sb) ** 2).sum()) <= radius(distance, px)
    by_moving = turned_sketches(sketches(b[None]), turn)[0].astype(np.float64)
    assert math.sqrt(((sa - by_moving) ** 2).sum()) <= radius(distance, px)


def test_the_directions_of_the_sketch_are_orthonormal():
    px = 12
    unit = np.zeros((3 * px * px, px, px, 3))
    for number, place in enumerate(np.ndindex(px, px, 3)):
        unit[(number, *place)] = 1
    # Sketching is linear, so the sketches of the unit tensors are the columns of the matrix.
    columns = sketches(unit.astype(np.uint8)).astype(np.float64)
    assert np.allclose(columns.T @ columns, np.eye(SIZE), atol=1e-6)


def test_float32_alone_would_have_been_wrong():
    rng = np.random.default_rng(5)
    a = rng.integers(200, 256, (50, 50, 3), dtype=np.uint8)
    b = a.copy()
    b[0, 0, 0] ^= 1  # SSE 1
    x, y = a.reshape(1, -1).astype(np.float32), b.reshape(1, -1).astype(np.float32)
    by_float32 = float(((x * x).sum() + (y * y).sum() - 2 * (x @ y.T)).item())
    assert by_float32 != 1, "the case must be one that float32 gets wrong"
    for way in (classic, product):
        assert as_set(way([1, 2], np.stack([a, b]), 10, True)) == {(1, 2, 1, 0)}
        assert as_set(way([1, 2], np.stack([a, b]), 0, True)) == set()


def test_distances_are_exact_at_the_largest_size():
    a = np.zeros((1, 3 * 2000 * 2000), np.uint8)
    b = np.full((1, 3 * 2000 * 2000), 255, np.uint8)
    b[0, 7] = 254
    assert sse_rows(a, b)[0] == 255 * 255 * (12_000_000 - 1) + 254 * 254


@pytest.mark.parametrize(
    ("threshold", "values", "limit"),
    [(0, 7500, 0), (5, 7500, 37500), (0.29, 100, 29), (0.1, 7500, 750), (1e-9, 7500, 0), (65025, 300, 19507500)],
)
def test_the_limit_is_the_decimal_product_rounded_down(threshold, values, limit):
    assert mse_limit(threshold, values) == limit == naive.limit(threshold, values)


@given(threshold=st.decimals(0, 65025, places=3), px=st.integers(10, 99))
def test_the_limit_is_that_of_the_twin(threshold, px):
    assert mse_limit(float(threshold), 3 * px * px) == naive.limit(float(threshold), 3 * px * px)


def test_two_thousand_near_equal_tensors_give_every_pair_once():
    tensors = np.full((2000, 10, 10, 3), 7, np.uint8)
    for number in range(2000):  # distinct, and each within 4 of each
        tensors[number].reshape(-1)[number % 300] += 1 + number // 300 % 2
        tensors[number].reshape(-1)[(number // 7) % 300] ^= 1
    ids = list(range(2000))
    assert len(as_set(incremental(ids, tensors, 100, True, 256))) == 2000 * 1999 // 2
