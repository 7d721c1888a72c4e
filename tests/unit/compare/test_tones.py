"""Tones: exact, the same in every orientation, and found by every way to search as by the naive twin."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.compare.by_tone import ByTone
from difwatch.compare.distance import limit_of
from difwatch.compare.hits import BEYOND, joined
from difwatch.compare.orientation import ALL, admitted, oriented
from difwatch.compare.tone import tones
from difwatch.compare.tone_sketch import TONE_SKETCH, tone_radius, tone_sketches
from difwatch.model.settings import tone_values
from tests.support import naive
from tests.support.searching import Shown, as_rows, chunked, classic, clustered, incremental, product, tone_block
from tests.support.toned import edited, some_insides, twin


def told(hits):
    """Pair of pictures to what is kept of it; the same whichever entries found it."""
    rows = {}
    for hit in hits:
        key = (int(hit["a"]), int(hit["b"]))
        assert rows.setdefault(key, hit) == hit
    return rows


def smallest(errors, numbers):
    return min(((error, number) for number, error in errors.items() if number in numbers), default=(BEYOND, 0))


@pytest.mark.parametrize("mirror", [False, True])
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 14),
    px=st.sampled_from([10, 13]),
    nmse=st.sampled_from([0, 0.03, 0.2, 4]),
    rotate=st.booleans(),
    chunk=st.integers(1, 30),
)
def test_every_way_to_search_tones_finds_what_the_naive_twin_finds(mirror, seed, count, px, nmse, rotate, chunk):
    tensors, ids = edited(seed, count, px), list(range(5, 5 + 3 * count, 3))
    insides, limit = some_insides(seed, ids, tensors), limit_of(nmse, tone_values(px))
    comparison = ByTone(px, limit, Shown(ids, tensors, insides), admitted(rotate, mirror))
    block = tone_block(ids, tensors, insides)
    expected = twin(ids, tensors, insides, limit, rotate, mirror)
    ways = (classic(block, comparison), chunked(block, comparison, chunk), product(block, comparison))
    for found in (*ways, incremental(block, comparison, chunk)):
        rows = told(joined(found))
        assert rows.keys() == expected.keys()
        for pair, hit in rows.items():
            by_tensor, by_tone = expected[pair]
            least = smallest(by_tone, range(8))[0]
            assert hit["error"] == (0 if 0 in by_tensor.values() else least)
            for kind, errors in (("sse", by_tensor), ("tone", by_tone)):
                error, number = smallest(errors, range(4))
                mirrored, mirrored_number = smallest(errors, range(4, 8))
                assert hit[f"{kind}_upright"] == errors.get(0, BEYOND)
                assert hit[f"{kind}_turned"] == error
                assert hit[f"{kind}_rotation"] == 90 * number
                assert hit[f"{kind}_mirrored"] == mirrored
                assert hit[f"{kind}_mirrored_upright"] == errors.get(4, BEYOND)
                assert hit[f"{kind}_rotation_mirrored"] == 90 * (mirrored_number % 4)


@given(seed=st.integers(0, 2**32), px=st.sampled_from([10, 13, 50]))
def test_the_tone_is_that_of_the_twin(seed, px):
    for tensor in (*edited(seed, 2, px), *clustered(seed, 2, px, 3)):
        (found,), (has_tone,) = tones(tensor.reshape(1, -1))
        expected = naive.tone(tensor)
        assert has_tone == (expected is not None)
        if expected is not None:
            assert (found.reshape(px, px) == expected).all()


@given(seed=st.integers(0, 2**32), px=st.sampled_from([10, 13, 50]), orientation=st.sampled_from(ALL))
def test_the_tone_of_an_oriented_tensor_is_the_oriented_tone(seed, px, orientation):
    tensors = edited(seed, 3, px)
    found, has_tone = tones(as_rows(tensors))
    moved, moved_has = tones(as_rows(np.ascontiguousarray(oriented(tensors, orientation))))
    assert (has_tone == moved_has).all()
    assert (oriented(found.reshape(-1, px, px, 1), orientation).reshape(3, -1) == moved).all()


def test_tensors_of_the_largest_size_have_a_tone_without_overflow():
    tensor = np.full((1, 2000, 2000, 3), 255, np.uint8)
    tensor[0, :1000] = 0
    (found,), (has_tone,) = tones(tensor.reshape(1, -1))
    assert has_tone and set(found.tolist()) == {128 - 16, 128 + 16}


@given(seed=st.integers(0, 2**32), px=st.sampled_from([10, 31, 50]), orientation=st.sampled_from(ALL))
def test_a_tone_sketch_never_lengthens_a_difference(seed, px, orientation):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 256, (2, px, px, 1), dtype=np.uint8)
    if rng.random() < 0.5:
        b = np.clip(a.astype(int) + rng.integers(-3, 4, a.shape), 0, 255).astype(np.uint8)
    distance = naive.sse(a, naive.orient(b, orientation))
    sa, sb = tone_sketches(np.stack([a, oriented(b, orientation)]).reshape(2, -1)).astype(np.float64)
    assert math.sqrt(((sa - sb) ** 2).sum()) <= tone_radius(distance, px)
    by_moving = TONE_SKETCH.oriented(tone_sketches(b.reshape(1, -1)), orientation)[0].astype(np.float64)
    assert math.sqrt(((sa - by_moving) ** 2).sum()) <= tone_radius(distance, px)


def test_brighter_greyer_and_flatter_copies_have_nearly_the_same_tone_and_other_pictures_have_not():
    rng = np.random.default_rng(3)
    photo, other = rng.integers(40, 200, (2, 5, 5, 3)).repeat(10, 1).repeat(10, 2)
    luma = photo @ np.array([0.299, 0.587, 0.114])
    copies = [photo, photo + 40, photo * 0.6 + 20, np.repeat(luma[:, :, None], 3, 2), other]
    found, has_tone = tones(np.stack(copies).round().astype(np.uint8).reshape(5, -1))
    assert has_tone.all()
    errors = [naive.sse(found[0], one) / tone_values(50) for one in found]
    assert max(errors[:4]) < 0.001 and errors[4] > 0.5
