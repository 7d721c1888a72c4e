"""A grid of sketches finds the same as a loop over all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.compare.grid import SketchGrid
from difwatch.compare.sketch import within
from difwatch.compare.tone_sketch import TONE_SKETCH


def sketches(seed, count, spread):
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, spread, (count, TONE_SKETCH.size)).astype(np.float32)
    rows[rng.random(count) < 0.3] = rows[0]  # equal ones
    return rows


def pairs(places):
    return sorted(zip(*(part.tolist() for part in places), strict=True))


def twin(known, asked, reach):
    return [
        (query, place)
        for query in range(len(asked))
        for place in range(len(known))
        if within(asked[query : query + 1], known[place : place + 1], reach)[0]
    ]


@given(
    seed=st.integers(0, 1000),
    known=st.integers(1, 40),
    asked=st.integers(1, 40),
    spread=st.sampled_from([0.0, 1.0, 30.0, 3000.0]),
    reach=st.sampled_from([0.0, 1e-6, 5.0, 200.0, 1e5]),
)
def test_the_grid_finds_what_a_loop_finds(seed, known, asked, spread, reach):
    rows = sketches(seed, known, spread)
    others = np.concatenate([sketches(seed + 1, asked, spread), rows[:3]])
    assert pairs(SketchGrid(TONE_SKETCH, rows, reach).near(others, reach)) == twin(rows, others, reach)


@given(seed=st.integers(0, 1000), reach=st.sampled_from([0.0, 50.0, 300.0]))
def test_leaving_out_higher_levels_loses_no_other(seed, reach):
    rows = sketches(seed, 40, 30.0)
    found = pairs(SketchGrid(TONE_SKETCH, rows, reach).near(rows, reach, no_higher=True))
    every = twin(rows, rows, reach)
    level = rows[:, TONE_SKETCH.level]
    assert {(query, place) for query, place in every if level[place] <= level[query]} <= set(found) <= set(every)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("count", [0, 1])
def test_a_grid_of_next_to_nothing(count):
    rows = sketches(1, 1, 10.0)
    found = SketchGrid(TONE_SKETCH, rows[:count], 5.0).near(rows, 5.0)
    assert pairs(found) == [(0, 0)] * count


def test_more_queries_of_a_cell_than_are_compared_at_once():
    rows = sketches(3, 1500, 1.0)
    found = SketchGrid(TONE_SKETCH, rows, 2.0).near(rows, 2.0)
    near = (np.linalg.norm(rows[:, None].astype(float) - rows[:20].astype(float), axis=2) <= 2.0).sum()
    assert np.isin(found[1], np.arange(20)).sum() == near
