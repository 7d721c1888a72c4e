"""A store that is searched by tones: the same matches by every way, and after the measure is changed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.compare.distance import limit_of
from difwatch.compare.executor import Inline
from difwatch.compare.hits import BEYOND, HIT
from difwatch.compare.index import search_new
from difwatch.model.settings import Folder, Settings, tone_values
from difwatch.rescan.audit import audit
from difwatch.rescan.plan import RescanPlan
from difwatch.rescan.steps import RunningRescan, rescan
from difwatch.service.prepare import prepare
from difwatch.store import contents, matches, reading, searched, settings, writing
from tests.support import naive
from tests.support.clock import StandingClock
from tests.support.searching import clustered
from tests.support.storing import fill, new_store
from tests.support.toned import edited, twin

PX = 12
NMSE = 0.05
LIMIT = limit_of(NMSE, tone_values(PX))
CHOSEN = Settings(20, same_dim=False, nmse=NMSE, edited=True, mirror=True)


class Toned:
    """A store of edited pictures, some flat ones and some with an inside; nothing is searched yet."""

    def __init__(self, state, seed, count):
        self.path = state / "difwatch.db"
        self.engine, self.recipe = new_store(state, PX, NMSE, CHOSEN)
        flat = np.full((2, PX, PX, 3), 90, np.uint8)
        flat[0, 0, :3] = flat[1, :3, 0] = 100  # a quarter turn of each other
        tensors = np.unique(np.concatenate([edited(seed, count, PX), clustered(seed, 6, PX, 2), flat]), axis=0)
        rng = np.random.default_rng(seed)
        chosen = [number for number in range(len(tensors)) if rng.random() < 0.2]
        self.insides = {number: tensors[int(rng.integers(len(tensors)))] for number in chosen}
        self.ids = fill(self.engine, self.recipe, tensors, insides=self.insides)
        self.tensors = tensors

    def expected(self, limit=LIMIT):
        toned = {number: one for number, one in self.insides.items() if naive.tone(self.tensors[number]) is not None}
        inner = {self.ids[number]: naive.tone(one) for number, one in toned.items()}
        inner = {id_: one[:, :, None] for id_, one in inner.items() if one is not None}
        return twin(self.ids, self.tensors, inner, limit, rotate=True, mirror=True)

    def kept(self):
        with reading(self.engine) as connection:
            return np.array(list(matches.hits_within(connection, 1, LIMIT)), HIT)

    def rescan(self, **wanted):
        plan = RescanPlan(**{"algorithm": "auto", "processes": 2, "memory": 1 << 30, "most_pairs": 10**6} | wanted)
        return rescan(RunningRescan(self.engine, self.path, plan, Inline(), StandingClock()), lambda now: None)

    def close(self):
        self.engine.dispose()


def is_as_expected(kept, stored):
    """Both errors of every pair; of flat pictures only those that look the same."""
    by_tone = stored.expected()
    pairs = {(int(hit["a"]), int(hit["b"])): hit for hit in kept}
    flat = {pair for pair, hit in pairs.items() if pair not in by_tone}
    assert pairs.keys() >= by_tone.keys()
    position = {id_: number for number, id_ in enumerate(stored.ids)}
    same = set()
    for a in stored.ids:
        for b in stored.ids:
            one, other = stored.tensors[position[a]], stored.tensors[position[b]]
            if (
                a < b
                and naive.tone(one) is None
                and min(naive.sse(one, naive.orient(other, o)) for o in range(8)) == 0
            ):
                same.add((a, b))
    assert flat == same - by_tone.keys()
    for pair, (by_tensor, errors) in by_tone.items():
        hit = pairs[pair]
        assert hit["sse_turned"] == min(by_tensor[number] for number in range(4))
        assert hit["tone_turned"] == min((errors[number] for number in range(4) if number in errors), default=BEYOND)
        assert hit["tone_mirrored"] == min((errors[n] for n in range(4, 8) if n in errors), default=BEYOND)


@pytest.mark.parametrize("algorithm", ["classic", "chunked"])
@pytest.mark.parametrize("chunksize", [None, 5])
def test_every_algorithm_leaves_the_matches_of_the_twin_and_another_search_finds_the_same(
    tmp_path, algorithm, chunksize
):
    stored = Toned(tmp_path, 3, 40)
    result = stored.rescan(algorithm=algorithm, chunksize=chunksize)
    is_as_expected(stored.kept(), stored)
    assert result.missing == result.pairs == len(stored.kept()) > 20
    again = stored.rescan(algorithm=algorithm, chunksize=chunksize)
    assert (again.pairs, again.missing, again.wrong) == (result.pairs, 0, 0)
    with reading(stored.engine) as connection:
        found = audit(connection, None, np.random.default_rng(1), lambda done, parts: None)
    assert found.holds and found.pairs == result.pairs
    stored.close()


@given(seed=st.integers(0, 10_000), batch=st.integers(1, 20))
def test_pictures_that_come_in_batches_have_the_matches_that_a_full_search_finds(tmp_path_factory, seed, batch):
    stored = Toned(tmp_path_factory.mktemp("state"), seed, 12)
    stored.rescan()
    whole = stored.kept()
    with writing(stored.engine) as connection:
        matches.forget(connection)
        store = settings.get_in_force(connection)
        index = prepare_index(store)
        for start in range(0, len(stored.ids), batch):
            ids = stored.ids[start : start + batch]
            every = searched.known(connection, store)
            entries = searched.entries(store, np.array(ids))
            new = type(every)(every.ids[np.isin(every.ids, entries)], every.rows[np.isin(every.ids, entries)])
            comparison = searched.comparison(store, LIMIT, contents.StorePixels(connection))
            matches.put(connection, search_new(index, new, comparison))
            matches.put(connection, [searched.flat(connection, store, LIMIT, ids)])
            index.add(new)
    assert sorted(stored.kept().tolist()) == sorted(whole.tolist())
    stored.close()


def prepare_index(store):
    from difwatch.compare.index import Index

    return Index(searched.kind(store.measure), searched.ORIENTATIONS)


def test_another_measure_forgets_what_was_found_and_searches_everything(tmp_path):
    stored = Toned(tmp_path, 5, 30)
    stored.rescan()
    before = stored.kept()
    folders = [Folder(b"/p")]
    prepare(stored.engine, folders, Settings(5), stored.recipe, 50)
    with reading(stored.engine) as connection:
        store = settings.get_in_force(connection)
        assert store.measure == "mse" and store.remembered.is_behind
        assert matches.count(connection, 1, 10**9) == 0
    result = stored.rescan(error=50.0)
    assert (result.measure, result.error, result.remembered) == ("mse", 50, -1)
    pairs = naive.tensor_pairs(stored.ids, stored.tensors, limit_of(50, 3 * PX * PX), True, True)
    with reading(stored.engine) as connection:
        hits = np.array(list(matches.hits_within(connection, 1, limit_of(50, 3 * PX * PX))), HIT)
    assert {(hit["a"], hit["b"], hit["error"]) for hit in hits} == {one[:3] for one in pairs}
    prepare(stored.engine, folders, CHOSEN, stored.recipe, NMSE)
    stored.rescan(error=NMSE)
    assert sorted(stored.kept().tolist()) == sorted(before.tolist())
    stored.close()


def test_sparse_pages_that_match_nothing_cost_no_pairs(tmp_path):
    """White pages with a few dark dots: nearly equal as tensors, and no copies."""
    rng = np.random.default_rng(1)
    pages = np.full((200, PX, PX, 3), 250, np.uint8)
    for page in pages:
        page[tuple(rng.integers(0, PX, (2, 6)))] = 160
    engine, recipe = new_store(tmp_path, PX, NMSE, CHOSEN)
    ids = fill(engine, recipe, np.unique(pages, axis=0))
    plan = RescanPlan("auto", 1, 1 << 30, 10**6)
    result = rescan(
        RunningRescan(engine, tmp_path / "difwatch.db", plan, Inline(), StandingClock()), lambda now: None
    )
    assert (len(ids), result.pairs) == (200, 0)
    engine.dispose()
