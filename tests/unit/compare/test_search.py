"""incremental == classic == the naive twin, as sets of (a, b, sse, rotation)."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.compare.distance import limit_of, sse_rows
from difwatch.compare.hits import BEYOND, joined
from difwatch.compare.index import search_new
from difwatch.compare.orientation import ALL, oriented
from difwatch.compare.tensor_sketch import TENSOR_SKETCH, tensor_radius, tensor_sketches
from tests.support import naive
from tests.support.searching import (
    as_set,
    by_tensor,
    chunked,
    classic,
    clustered,
    empty_index,
    incremental,
    product,
    tensor_block,
)

cases = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32),
        "count": st.integers(0, 24),
        "px": st.sampled_from([10, 11, 64]),
        "noise": st.integers(0, 3),
        "threshold": st.sampled_from([0, 0.5, 1, 2, 3.7, 5, 50, 200, 2000, 65025]),
        "rotate": st.booleans(),
        "mirror": st.booleans(),
        "batch": st.integers(1, 9),
    }
)


@given(case=cases, shuffle=st.randoms(use_true_random=False), chunk=st.integers(1, 30))
def test_every_way_to_search_finds_what_the_naive_twin_finds(case, shuffle, chunk):
    tensors = clustered(case["seed"], case["count"], case["px"], case["noise"])
    ids = list(range(5, 5 + 3 * case["count"], 3))
    shuffle.shuffle(ids)
    given_ = (limit_of(case["threshold"], 3 * case["px"] ** 2), case["rotate"], case["mirror"])
    comparison, block = by_tensor(ids, tensors, *given_), tensor_block(ids, tensors)
    expected = naive.tensor_pairs(ids, tensors, *given_)
    assert as_set(classic(block, comparison)) == expected
    assert as_set(chunked(block, comparison, chunk)) == expected
    assert as_set(product(block, comparison)) == expected
    assert as_set(incremental(block, comparison, case["batch"])) == expected


@given(case=cases, gone=st.sets(st.integers(0, 23)), again=st.sets(st.integers(0, 23)))
def test_removed_tensors_are_not_found_until_they_come_back(case, gone, again):
    tensors = clustered(case["seed"], case["count"], case["px"], case["noise"])
    ids = list(range(case["count"]))
    given_ = (limit_of(case["threshold"], 3 * case["px"] ** 2), case["rotate"], case["mirror"])
    comparison = by_tensor(ids, tensors, *given_)
    index = empty_index(comparison)
    incremental(tensor_block(ids, tensors), comparison, case["batch"], index)
    removed = sorted(gone & set(ids))
    index.remove([*removed, 999])
    back = sorted(again & set(removed))
    found = search_new(index, tensor_block(back, tensors[back]), comparison)
    present = sorted(set(ids) - set(removed) | set(back))
    everything = naive.tensor_pairs(present, tensors[present], *given_)
    assert as_set(found) == {one for one in everything if one[0] in back or one[1] in back}
    assert len(index) == len(ids) - len(removed)


def test_an_index_made_from_stored_sketches_answers_as_the_one_that_grew():
    tensors = clustered(3, 4000, 10, 2)
    ids = list(range(4000))
    comparison, block = by_tensor(ids, tensors, limit_of(5, 300)), tensor_block(ids, tensors)
    grown, stored = empty_index(comparison), empty_index(comparison)
    for start in range(0, 3000, 500):  # grows past the size at which the tail is merged
        grown.add(block.part(start, start + 500))
    stored.add(block.part(0, 3000))
    new = block.part(3000, 4000)
    assert as_set(search_new(grown, new, comparison)) == as_set(search_new(stored, new, comparison)) != set()


def every_way(tensors, limit, rotate=True, mirror=False):
    """The hits of each way to search tensors with the ids from 1 on."""
    ids = list(range(1, len(tensors) + 1))
    comparison, block = by_tensor(ids, tensors, limit, rotate, mirror), tensor_block(ids, tensors)
    return [
        joined(found)
        for found in (classic(block, comparison), product(block, comparison), incremental(block, comparison, 1))
    ]


def test_a_pair_exactly_on_the_limit_is_found_and_one_beyond_is_not():
    a = np.full((10, 10, 3), 100, np.uint8)
    b = a.copy()
    b[3, 4, 1] = 110  # SSE 100
    for limit, found in ((99, 0), (100, 1)):
        assert [len(hits) for hits in every_way(np.stack([a, b]), limit)] == [found] * 3


def test_one_level_in_one_channel_is_no_duplicate():
    a = np.zeros((50, 50, 3), np.uint8)
    b = a.copy()
    b[49, 0, 2] = 1
    assert [as_set([hits]) for hits in every_way(np.stack([a, b]), 0)] == [set()] * 3
    assert [as_set([hits]) for hits in every_way(np.stack([a, b]), 1)] == [{(1, 2, 1, 0)}] * 3


def test_the_mean_of_a_picture_made_brighter_by_16_does_not_wrap_to_zero():
    a = np.full((1, 7500), 100, np.uint8)
    assert sse_rows(a, a + np.uint8(16))[0] == 16 * 16 * 7500


def test_all_four_turns_are_tried_and_the_angle_says_how_to_turn_the_second():
    a = np.random.default_rng(9).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    for turn in range(4):
        pair = np.stack([a, np.rot90(a, -turn)])  # turned by `turn` it is a again
        for (hit,) in every_way(pair, 0):
            assert (hit["error"], hit["sse_turned"]) == (0, 0)
            assert (hit["sse_rotation"], hit["sse_rotation_back"]) == (90 * turn, 90 * (-turn % 4))
            assert hit["sse_upright"] == (0 if turn == 0 else BEYOND)
        assert [len(hits) for hits in every_way(pair, 0, rotate=False)] == [turn == 0] * 3


def test_a_mirrored_picture_is_found_when_asked_for_with_the_angle_of_the_mirrored_one():
    a = np.random.default_rng(9).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    for turn in range(4):
        pair = np.stack([a, np.fliplr(np.rot90(a, -turn))])  # mirrored and then turned by `turn` it is a again
        assert [len(hits) for hits in every_way(pair, 0)] == [0] * 3
        for (hit,) in every_way(pair, 0, mirror=True):
            assert (hit["error"], hit["sse_mirrored"], hit["sse_turned"]) == (0, 0, BEYOND)
            assert hit["sse_rotation_mirrored"] == 90 * turn
            assert hit["sse_mirrored_upright"] == (0 if turn == 0 else BEYOND)
        assert [len(hits) for hits in every_way(pair, 0, rotate=False, mirror=True)] == [turn == 0] * 3


def test_of_equally_good_turns_the_smallest_angle_is_told_from_both_sides():
    a = np.zeros((10, 10, 3), np.uint8)
    a[:5] = 200  # the half turn of a equals neither of the quarter turns
    a[5:] = 200
    a[:, :3] = 50
    a[:, 7:] = 50  # symmetric under the half turn
    for (hit,) in every_way(np.stack([a, np.rot90(a)]), 0):
        assert (hit["sse_rotation"], hit["sse_rotation_back"]) == (90, 90)


@given(seed=st.integers(0, 2**32), px=st.sampled_from([10, 31, 50]), orientation=st.sampled_from(ALL))
def test_a_sketch_never_lengthens_a_difference(seed, px, orientation):
    rng = np.random.default_rng(seed)
    a, b = clustered(seed, 2, px, int(rng.integers(0, 60)))
    sa, sb = tensor_sketches(np.stack([a, oriented(b, orientation)])).astype(np.float64)
    distance = naive.sse(a, naive.orient(b, orientation))
    assert math.sqrt(((sa - sb) ** 2).sum()) <= tensor_radius(distance, px)
    by_moving = TENSOR_SKETCH.oriented(tensor_sketches(b[None]), orientation)[0].astype(np.float64)
    assert math.sqrt(((sa - by_moving) ** 2).sum()) <= tensor_radius(distance, px)


def test_the_directions_of_the_sketch_are_orthonormal():
    px = 12
    unit = np.zeros((3 * px * px, px, px, 3))
    for number, place in enumerate(np.ndindex(px, px, 3)):
        unit[(number, *place)] = 1
    # Sketching is linear, so the sketches of the unit tensors are the columns of the matrix.
    columns = tensor_sketches(unit.astype(np.uint8)).astype(np.float64)
    assert np.allclose(columns.T @ columns, np.eye(TENSOR_SKETCH.size), atol=1e-6)


def test_float32_alone_would_have_been_wrong():
    rng = np.random.default_rng(5)
    a = rng.integers(200, 256, (50, 50, 3), dtype=np.uint8)
    b = a.copy()
    b[0, 0, 0] ^= 1  # SSE 1
    x, y = a.reshape(1, -1).astype(np.float32), b.reshape(1, -1).astype(np.float32)
    by_float32 = float(((x * x).sum() + (y * y).sum() - 2 * (x @ y.T)).item())
    assert by_float32 != 1, "the case must be one that float32 gets wrong"
    assert [as_set([hits]) for hits in every_way(np.stack([a, b]), 10)] == [{(1, 2, 1, 0)}] * 3
    assert [as_set([hits]) for hits in every_way(np.stack([a, b]), 0)] == [set()] * 3


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
    assert limit_of(threshold, values) == limit == naive.limit(threshold, values)


@given(threshold=st.decimals(0, 65025, places=3), px=st.integers(10, 99))
def test_the_limit_is_that_of_the_twin(threshold, px):
    assert limit_of(float(threshold), 3 * px * px) == naive.limit(float(threshold), 3 * px * px)


def test_two_thousand_near_equal_tensors_give_every_pair_once():
    tensors = np.full((2000, 10, 10, 3), 7, np.uint8)
    for number in range(2000):  # distinct, and each within 4 of each
        tensors[number].reshape(-1)[number % 300] += 1 + number // 300 % 2
        tensors[number].reshape(-1)[(number // 7) % 300] ^= 1
    ids = list(range(2000))
    found = incremental(tensor_block(ids, tensors), by_tensor(ids, tensors, 100), 256)
    assert len(as_set(found)) == 2000 * 1999 // 2
