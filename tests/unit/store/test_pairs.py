"""Pages of pairs: whatever their size, they leave what one statement over the whole table would."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select

from difwatch.compare.hits import HIT
from difwatch.model.settings import Remembered, StoreSettings
from difwatch.store import matches, merging, reach, rescans, writing
from difwatch.store.pairs import FIRST
from difwatch.store.reach import Reach
from difwatch.store.rescans import Rescan
from difwatch.store.tables import match, rescan_match
from tests.support.storing import fill, hit, new_store

COUNT = 6
LIMIT = 8

# A pair: its SSE, the turn, the turn back, and the SSE upright if that is remembered.
found = st.tuples(st.integers(0, 12), st.sampled_from([0, 90]), st.just(0), st.sampled_from([None, 5, 11]))
tables = st.dictionaries(
    st.tuples(st.integers(1, COUNT), st.integers(1, COUNT)).filter(lambda pair: pair[0] < pair[1]), found
)


def hits(pairs):
    return np.concatenate([np.empty(0, HIT), *(hit(*pair, *row) for pair, row in sorted(pairs.items()))])


def read(connection, table):
    names = ("sse_turned", "sse_rotation", "sse_rotation_back", "sse_upright")
    rows = connection.execute(select(table)).mappings()
    assert all(row["error"] == row["sse_turned"] for row in rows)
    rows = connection.execute(select(table)).mappings()
    return {(row["a"], row["b"]): tuple(row[name] for name in names) for row in rows}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine, recipe = new_store(tmp_path_factory.mktemp("state"), 10, 50)
    tensors = np.random.default_rng(1).integers(0, 255, (COUNT, 10, 10, 3), dtype=np.uint8)
    assert fill(engine, recipe, tensors) == list(range(1, COUNT + 1))
    yield engine
    engine.dispose()


def begin(connection, before, limit, last=COUNT):
    """Forget the pairs of other tests, and begin with some matches and a full search."""
    connection.execute(delete(match))
    matches.put(connection, [hits(before)])
    rescans.begin(connection, Rescan(1, limit, 1.0, 0, last, ((0.0, 1),), 1, "now"))


def is_same(ours, theirs, known):
    def is_far(row):
        return row[3] is None or row[3] > known

    return ours[:3] == theirs[:3] and (ours[3] == theirs[3] or (is_far(ours) and is_far(theirs)))


def merged(before, searched, last, known):
    """The twin: the matches after the merge, how many were missing, and how many wrong."""
    searched = {pair: row for pair, row in searched.items() if row[0] <= LIMIT}
    wrong = {
        pair
        for pair, row in before.items()
        if (row[0] <= LIMIT or pair in searched)
        and pair[1] <= last
        and not (pair in searched and is_same(row, searched[pair], known))
    }
    kept = {pair: row for pair, row in before.items() if pair not in wrong}
    new = searched.keys() - kept.keys()
    after = {pair: searched[pair] for pair in new}
    for pair, row in kept.items():
        after[pair] = (*row[:3], searched[pair][3]) if row[3] is None and pair in searched else row
    return after, sum(searched[pair][0] <= known for pair in new), len(wrong)


@given(
    before=tables,
    searched=tables,
    last=st.integers(1, COUNT),
    known=st.integers(1, 12),
    rows=st.integers(1, 4),
    interrupted=st.sets(st.integers(0, 9)),
)
def test_a_merge_in_pages_leaves_what_was_found_wherever_it_is_interrupted(
    engine, before, searched, last, known, rows, interrupted
):
    with writing(engine) as connection:
        begin(connection, before, LIMIT, last)
        rescans.put(connection, hits(searched))
        after, page = FIRST, 0
        while after is not None:
            after = merging.merge_page(connection, after, known, rows=rows)
            after = FIRST if page in interrupted else after
            page += 1
        expected, missing, wrong = merged(before, searched, last, min(known, LIMIT))
        assert read(connection, match) == expected
        difference = rescans.finish(connection, 7, "later")
        assert (difference.pairs, difference.missing, difference.wrong) == (7, missing, wrong)
        assert read(connection, rescan_match) == {}


@given(before=tables, limit=st.integers(0, 12), rows=st.integers(1, 4))
def test_a_sweep_in_pages_forgets_what_lies_beyond_the_limit_and_nothing_else(engine, before, limit, rows):
    with writing(engine) as connection:
        begin(connection, before, LIMIT)
        after, pages = FIRST, 0
        while after is not None:
            after, pages = matches.sweep(connection, 1, limit, after, rows), pages + 1
        assert read(connection, match) == {pair: row for pair, row in before.items() if row[0] <= limit}
        assert pages == len(before) // rows + 1


@given(offered=tables, most=st.integers(1, 6), least=st.integers(0, 6))
def test_of_too_many_pairs_all_are_kept_up_to_the_limit_that_is_left(engine, offered, most, least):
    kept = Reach(StoreSettings(1, "exact", 10, Remembered(12 / 300, 1.0)), 12, least, most)
    with writing(engine) as connection:
        begin(connection, {}, LIMIT)
        for pair, row in offered.items():
            kept = reach.put(connection, [hits({pair: row})], kept)
        assert kept.limit >= least
        assert kept.pairs <= most or kept.limit == least
        near = {pair: row for pair, row in offered.items() if row[0] <= kept.limit}
        assert kept.pairs == len(near)
        kept = reach.put(connection, [hits({})], kept)
        assert read(connection, match) == near, "what lies beyond is swept beside the batches that follow"


def test_of_very_many_distances_about_the_asked_one_is_returned(engine):
    a, b = np.triu_indices(1000, 1)
    many = np.zeros(len(a), HIT)
    many["a"], many["b"] = a + 1, b + 1
    many["error"] = np.random.default_rng(3).integers(0, 10**6, len(a))
    place = len(a) // 4
    with writing(engine) as connection:
        begin(connection, {}, 10**6)
        rescans.put(connection, many)
        distance = rescans.nth_distance(connection, 10**6, len(a), place)
    assert abs((many["error"] < distance).sum() - place) < 0.02 * len(a)


def test_a_distance_is_found_however_regular_the_pairs_are(engine):
    """Each picture matches the next one only: the ids of all pairs differ by one."""
    count = 110_000
    regular = np.zeros(count, HIT)
    regular["a"], regular["b"] = np.arange(1, count + 1), np.arange(2, count + 2)
    regular["error"] = np.random.default_rng(3).integers(0, 10**6, count)
    with writing(engine) as connection:
        begin(connection, {}, 10**6)
        rescans.put(connection, regular)
        distance = rescans.nth_distance(connection, 10**6, count, 50_000)
    assert abs((regular["error"] < distance).sum() - 50_000) < 0.02 * count
