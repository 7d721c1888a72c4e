"""How many pairs there are at each error."""

import bisect
import collections
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.matches.read import read_rules
from difwatch.report.histogram import json_histogram, read_histogram, text_histogram
from difwatch.store import matches, reading, writing
from tests.support.storing import fill, hit, new_store

PX = 10
VALUES = 3 * PX * PX


@pytest.fixture
def store(tmp_path):
    engine, recipe = new_store(tmp_path, PX, 1000.0)
    ids = fill(engine, recipe, np.random.default_rng(1).integers(0, 256, (12, PX, PX, 3), dtype=np.uint8))
    yield engine, ids
    engine.dispose()


def kept(engine, ids, errors):
    """Store pairs of these errors, in place of others; the collection's threshold is that of the settings."""
    pairs = itertools.combinations(ids, 2)
    with writing(engine) as connection:
        matches.forget(connection)
        matches.put(connection, [hit(a, b, sse) for sse, (a, b) in zip(errors, pairs, strict=False)])


@given(errors=st.lists(st.integers(0, 1200 * VALUES), max_size=60))
def test_each_pair_is_counted_once_in_the_bin_of_its_error(errors, tmp_path_factory):
    engine, recipe = new_store(tmp_path_factory.mktemp("store"), PX, 1200.0)
    ids = fill(engine, recipe, np.random.default_rng(1).integers(0, 256, (12, PX, PX, 3), dtype=np.uint8))
    kept(engine, ids, errors)
    with reading(engine) as connection:
        found = read_histogram(connection, read_rules(connection))
    engine.dispose()
    expected = collections.Counter(bisect.bisect_left(found.edges, sse / VALUES) for sse in errors)
    assert found.counts == tuple(expected[number] for number in range(len(found.edges) + 1))
    assert found.threshold in found.edges
    assert found.above == sum(found.threshold < sse / VALUES <= found.above_to for sse in errors)


def test_the_similarity_is_marked_and_the_longest_bar_is_that_of_most_pairs(store):
    engine, ids = store
    kept(engine, ids, [0, 2 * VALUES, 2 * VALUES, 4 * VALUES, 7 * VALUES])
    with reading(engine) as connection:
        found = read_histogram(connection, read_rules(connection))
    lines = list(text_histogram(found))
    assert lines[0] == "Pairs of distinct pictures by MSE:\n\n"
    assert [line.count("█") for line in lines if "█" in line] == [20, 40, 20, 20]
    (marked,) = [line for line in lines if "similarity\n" in line]
    assert marked.startswith("    to 5          1")
    assert lines[-1] == "\nThe similarity is 5; 1 pair just above it, up to 10.\n"
    assert {"mse": 2.0, "pairs": 2} in json_histogram(found)["bins"]
