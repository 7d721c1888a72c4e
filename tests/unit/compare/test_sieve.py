"""Low frequencies leave out no pair that is within the limit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.compare import product, sieve
from difwatch.compare.distance import limit_of, sse_rows
from difwatch.compare.orientation import ALL, oriented_rows
from difwatch.compare.product import product_hits_within
from tests.support.searching import as_set, by_tensor, clustered


@pytest.fixture
def everything_passes(monkeypatch):
    """However many pairs are left, they are given."""
    monkeypatch.setattr(sieve, "_LEFT", 1.0)


def rows_of(seed, count, px, channels, contrast):
    """Rows in clusters, some of them as far from grey as can be."""
    rng = np.random.default_rng(seed)
    bases = rng.integers(0, 256, (3, px * px * channels)) if contrast else np.full((3, px * px * channels), 250)
    rows = bases[rng.integers(0, 3, count)] + rng.integers(-4, 5, (count, px * px * channels))
    rows = np.clip(rows, 0, 255).astype(np.uint8)
    rows[::5] = 255 * (rows[::5] > 128)
    return rows


def left(a, b, channels, limit):
    """Triples of an orientation, a row and a column that the sieve lets through."""
    found = sieve.possible(sieve.LowFrequencies(a, channels), sieve.LowFrequencies(b, channels), ALL, limit)
    assert found is not None
    return set(zip(*(part.tolist() for part in found), strict=True))


def twin(a, b, channels, limit):
    return {
        (number, row, column)
        for number in ALL
        for row in range(len(a))
        for column in range(len(b))
        if sse_rows(a[row : row + 1], oriented_rows(b[column : column + 1], number, channels))[0] <= limit
    }


@pytest.mark.usefixtures("everything_passes")
@given(
    seed=st.integers(0, 1000),
    px=st.sampled_from([1, 7, 8, 20, 30]),
    channels=st.sampled_from([1, 3]),
    mse=st.sampled_from([0, 3, 40]),
    contrast=st.booleans(),
)
def test_no_pair_within_the_limit_is_left_out(seed, px, channels, mse, contrast):
    a, b = rows_of(seed, 12, px, channels, contrast), rows_of(seed, 9, px, channels, contrast)
    limit = limit_of(mse, px * px * channels)
    assert twin(a, b, channels, limit) <= left(a, b, channels, limit)


@pytest.mark.usefixtures("everything_passes")
def test_a_pair_whose_difference_is_all_in_low_frequencies_passes_at_its_very_distance():
    a = np.full((1, 2500), 128, np.uint8)
    b = np.full((1, 2500), 131, np.uint8)
    assert len(left(a, b, 1, 9 * 2500)) == len(ALL)
    assert not left(a, b, 1, 9 * 2400)


def test_pages_are_told_apart_and_crowds_are_given_up():
    rng = np.random.default_rng(1)
    pages = np.full((200, 50, 50), 250, np.uint8)
    pages[:, 10:20, 5:45] = rng.integers(0, 2, (200, 10, 40)) * 250
    rows = sieve.LowFrequencies(pages.reshape(200, -1), 1)
    found = sieve.possible(rows, rows, ALL[:1], 20_000)
    assert found is not None
    assert found.row.tolist() == found.column.tolist() == list(range(200))
    assert sieve.possible(rows, rows, ALL[:1], 255**2 * 2500) is None


def test_a_tile_without_rows_has_no_pairs():
    none = sieve.LowFrequencies(np.zeros((0, 2500), np.uint8), 1)
    some = sieve.LowFrequencies(np.zeros((2, 2500), np.uint8), 1)
    for a, b in ((none, some), (some, none), (none, none)):
        found = sieve.possible(a, b, ALL, 10)
        assert found is not None
        assert len(found.row) == 0


@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
def test_products_with_and_without_the_sieve_find_the_same(monkeypatch, share):
    tensors = clustered(3, 150, 50, 3)
    comparison = by_tensor(range(150), tensors, limit_of(20, 7500), mirror=True)
    ids = np.arange(150)
    monkeypatch.setattr(product, "_TILE", 40)
    monkeypatch.setattr(product, "_TILES_AT_ONCE", 2)
    monkeypatch.setattr(sieve, "_LEFT", share)
    with_it = as_set(product_hits_within(ids, comparison))
    monkeypatch.setattr(product, "serves", lambda values, channels: False)
    without = as_set(product_hits_within(ids, comparison))
    assert with_it == without
    assert with_it, "or nothing was compared"
