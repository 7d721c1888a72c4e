"""The full search over a store: the same matches by every algorithm, after a kill, and within its limits."""

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from difwatch.compare.distance import limit_of
from difwatch.compare.executor import Inline
from difwatch.compare.hits import HIT
from difwatch.errors import IncompleteError
from difwatch.model.settings import Criteria
from difwatch.rescan.plan import RescanPlan
from difwatch.rescan.steps import RunningRescan, StoredPixels, rescan
from difwatch.store import contents, files, matches, reach, reading, rescans, settings, writing
from tests.support import naive
from tests.support.clock import NOON, StandingClock
from tests.support.running import difwatch
from tests.support.searching import clustered
from tests.support.storing import fill, hit, new_store

PX = 12
GIB = 1 << 30


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def store(state):
    """A store with tensors of which none was searched, and what the twin finds among them."""
    engine, recipe = new_store(state, PX, 50)
    tensors = np.unique(clustered(8, 120, PX, 3), axis=0)
    ids = fill(engine, recipe, tensors)
    yield Stored(engine, recipe, state / "difwatch.db", ids, tensors)
    engine.dispose()


@functools.cache
def twin(ids, shape, data, limit):
    """What the naive twin finds; most tests ask for the same."""
    return frozenset(
        naive.tensor_pairs(list(ids), np.frombuffer(data, np.uint8).reshape(shape), limit, rotate=True, mirror=True)
    )


def found(connection, limit):
    """The matches as the twin gives them."""
    hits = np.array(list(matches.hits_within(connection, 1, limit)), HIT)
    hits["sse_rotation"][hits["sse_turned"] > limit] = 0  # only a mirrored one is within the limit
    return {tuple(row) for row in hits[["a", "b", "error", "sse_rotation"]].tolist()}


class Stored:
    def __init__(self, engine, recipe, path, ids, tensors):
        self.engine, self.recipe, self.path, self.ids, self.tensors = engine, recipe, path, ids, tensors

    def expected(self, mse=50):
        return twin(tuple(self.ids), self.tensors.shape, self.tensors.tobytes(), limit_of(mse, self.recipe.values))

    def kept(self, mse=50):
        with reading(self.engine) as connection:
            return found(connection, limit_of(mse, self.recipe.values))

    def rescan(self, executor=None, progress=lambda now: None, **wanted):
        plan = RescanPlan(**{"algorithm": "auto", "processes": 2, "memory": GIB, "most_pairs": 10**6} | wanted)
        running = RunningRescan(self.engine, self.path, plan, executor or Inline(), StandingClock())
        return rescan(running, progress)


@pytest.mark.parametrize("algorithm", ["auto", "classic", "chunked"])
@pytest.mark.parametrize("chunksize", [None, pytest.param(1, marks=pytest.mark.slow), 7, 1000])
def test_every_algorithm_and_size_of_blocks_leaves_the_matches_of_the_twin(store, algorithm, chunksize):
    result = store.rescan(algorithm=algorithm, chunksize=chunksize)
    assert store.kept() == store.expected() != set()
    assert (result.pairs, result.missing, result.wrong) == (len(store.expected()), len(store.expected()), 0)
    again = store.rescan(algorithm=algorithm, chunksize=chunksize)
    assert (again.pairs, again.missing, again.wrong) == (len(store.expected()), 0, 0)


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_threads_and_processes_leave_the_same_matches(store, kind):
    made = {
        "threads": lambda: ThreadPoolExecutor(3),
        "processes": lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn")),
    }
    with made[kind]() as executor:
        result = store.rescan(executor, algorithm="chunked", chunksize=20)
    assert store.kept() == store.expected()
    assert result.tasks > 5


def test_what_is_fetched_in_another_process_is_found_again_by_the_path_of_the_store(store):
    fetched = StoredPixels(store.path).tensors(np.array(store.ids[3:5]))
    assert np.array_equal(fetched, store.tensors[3:5].reshape(2, -1))


class Broken(Exception):
    pass


def stop_after(count):
    def told(progress):
        if progress.done == count:
            raise Broken

    return told


def test_an_interrupted_search_goes_on_without_repeating_what_was_done(store):
    counted = Counting()
    with pytest.raises(Broken):
        store.rescan(counted, stop_after(5), algorithm="chunked", chunksize=10)
    assert store.kept() == set(), "the matches change at the end, all at once"
    with reading(store.engine) as connection:
        done = rescans.done_tasks(connection)
        assert len(done) == 5
        assert 0 < rescans.progress(connection) < 1
    counted.blocks.clear()
    result = store.rescan(counted, algorithm="chunked")
    assert result.resumed == 5
    assert len(counted.blocks) == result.tasks - 5, "only the other tasks were done"
    assert store.kept() == store.expected()
    with reading(store.engine) as connection:
        assert rescans.progress(connection) is None
        assert rescans.last_finished(connection).finished == NOON.isoformat()


class Counting(Inline):
    """Remembers what it was given."""

    def __init__(self):
        self.blocks = []

    def submit(self, function, /, *arguments):
        self.blocks.append(arguments[:2])
        return super().submit(function, *arguments)


def test_pictures_that_went_or_came_while_it_was_interrupted_do_not_disturb_it(store):
    with pytest.raises(Broken):
        store.rescan(None, stop_after(4), algorithm="chunked", chunksize=9)
    gone = store.ids[::5]
    with writing(store.engine) as connection:
        files.remove(connection, [b"/p/%08d.jpg" % number for number in range(0, len(store.ids), 5)])
        assert sorted(contents.purge(connection)) == gone
    new = clustered(99, 6, PX, 3)
    fill(store.engine, store.recipe, new, first=1000)
    result = store.rescan(algorithm="chunked")
    assert result.resumed == 4
    left = [number for number in range(len(store.ids)) if number % 5]
    # The new ones are searched when they come, by whoever keeps them; here nobody did.
    assert store.kept() == naive.tensor_pairs(
        [store.ids[number] for number in left], store.tensors[left], limit_of(50, store.recipe.values), True, True
    )


def test_a_wider_search_goes_on_although_pictures_came_meanwhile_because_they_are_searched_as_far(store):
    with pytest.raises(Broken):
        store.rescan(None, stop_after(4), algorithm="chunked", chunksize=9, error=400)
    with reading(store.engine) as connection:
        kept = reach.read(connection, settings.get_in_force(connection), 0, 10**6)
    assert kept.limit == limit_of(400, store.recipe.values)
    fill(store.engine, store.recipe, clustered(99, 1, PX, 3), first=1000)
    assert store.rescan(algorithm="chunked", error=400).resumed == 4


@given(data=st.data())
def test_a_search_that_may_go_less_far_keeps_all_pairs_up_to_where_it_went_wherever_it_is_interrupted(data):
    """Any number of pairs that may be stored, any blocks, interrupted anywhere and taken up again."""
    with tempfile.TemporaryDirectory() as place:
        engine, recipe = new_store(Path(place), PX, 50)
        tensors = np.unique(clustered(data.draw(st.integers(0, 5)), 40, PX, 3), axis=0)
        stored = Stored(engine, recipe, Path(place) / "difwatch.db", fill(engine, recipe, tensors), tensors)
        stored.rescan()
        most = data.draw(st.integers(1, 900))
        wanted = {
            "algorithm": data.draw(st.sampled_from(["classic", "chunked"])),
            "chunksize": data.draw(st.integers(5, 40)),
            "error": 20000.0,
            "least": data.draw(st.sampled_from([5.0, 50.0, 900.0])),
            "most_pairs": most,
        }
        with contextlib.suppress(Broken):
            stored.rescan(None, stop_after(data.draw(st.integers(1, 6))), **wanted)
        result = stored.rescan(**wanted)
        assert stored.kept(result.error) == stored.expected(result.error)
        with reading(engine) as connection:
            remembered = settings.get_in_force(connection).remembered
        assert remembered.error == result.error >= 50
        assert (remembered.wanted, remembered.most) == (20000, None if result.error == 20000 else most)
        if result.error > max(50, wanted["least"]):
            assert len(stored.kept(result.error)) <= most
        assert not remembered.is_behind, "it is not tried again for ever"
        engine.dispose()


def test_what_a_wider_search_finds_beyond_what_was_remembered_was_not_missing(store):
    store.rescan()
    with writing(store.engine) as connection:
        a, b, *_ = min(store.expected())
        connection.execute(text("DELETE FROM match WHERE a = :a AND b = :b"), {"a": a, "b": b})
    result = store.rescan(error=9000.0)
    assert (result.missing, result.wrong) == (1, 0)
    assert store.kept(9000) == store.expected(9000)
    with reading(store.engine) as connection:
        wanted = Criteria(limit_of(9000, store.recipe.values), rotate=False)
        near = list(matches.neighbours(connection, store.ids, wanted))
        upright = {(a, b, errors.sse) for a, b, errors in near if a < b}
    expected = naive.tensor_pairs(store.ids, store.tensors, limit_of(9000, store.recipe.values), rotate=False)
    assert upright == {row[:3] for row in expected}, "also upright, where a turn was nearer before"


def test_another_limit_or_size_of_blocks_begins_anew(store):
    for wanted in ({"error": 60.0}, {"chunksize": 11}):
        with pytest.raises(Broken):
            store.rescan(None, stop_after(4), algorithm="chunked", chunksize=9)
        assert store.rescan(algorithm="chunked", **wanted).resumed == 0


def test_a_wider_search_makes_the_store_remember_more(store):
    store.rescan()
    result = store.rescan(error=9000.0)
    assert (result.remembered, result.error) == (50, 9000)
    assert store.kept(9000) == store.expected(9000) > store.expected()
    assert store.rescan().error == 9000, "it is not forgotten"
    assert store.rescan(error=5.0).error == 9000, "and never made less"


def test_missing_and_wrong_matches_are_told_and_set_right(store):
    store.rescan()
    pairs = sorted(store.expected())
    with writing(store.engine) as connection:
        a, b, *_ = pairs[0]
        connection.execute(text("DELETE FROM match WHERE a = :a AND b = :b"), {"a": a, "b": b})
        a, b, *_ = pairs[1]
        connection.execute(
            text("UPDATE match SET sse_turned = sse_turned + 1 WHERE a = :a AND b = :b"), {"a": a, "b": b}
        )
        others = {(a, b) for a in store.ids for b in store.ids if a < b} - {pair[:2] for pair in pairs}
        a, b = min(others)
        matches.put(connection, [hit(a, b, 3, 0, 0, 3)])
    result = store.rescan()
    assert (result.missing, result.wrong) == (2, 2)
    assert store.kept() == store.expected()


@pytest.mark.parametrize("algorithm", ["classic", "chunked"])
def test_more_pairs_than_may_be_stored_are_told_and_change_nothing(store, algorithm):
    store.rescan()
    before = store.kept()
    with pytest.raises(IncompleteError, match=r"more than 500 pairs up to an MSE of 65025.*--max-pairs"):
        store.rescan(algorithm=algorithm, chunksize=10, error=65025.0, most_pairs=500)
    assert store.kept() == before
    with reading(store.engine) as connection:
        assert rescans.progress(connection) is None, "nothing is left to go on with"


def test_every_pair_streams_at_the_widest_limit(store):
    result = store.rescan(algorithm="chunked", chunksize=30, error=65025.0)
    count = len(store.ids)
    assert result.pairs == count * (count - 1) // 2
    assert store.kept(65025) == store.expected(65025)


@pytest.mark.slow
def test_a_killed_rescan_goes_on_when_it_is_asked_for_again(state):
    """Kill -9 at several moments, each after more tasks were committed."""
    engine, recipe = new_store(state, 24, 50)
    tensors = clustered(4, 250, 24, 3)
    ids = fill(engine, recipe, tensors)
    command = [sys.executable, "-m", "difwatch", "--state-dir", str(state), "rescan"]
    command += ["--algorithm", "chunked", "--chunksize", "4", "--similarity", "3000"]
    seen = 0
    for _ in range(4):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                with reading(engine) as connection:
                    done = len(rescans.done_tasks(connection))
                if done > seen:
                    os.kill(process.pid, signal.SIGKILL)
                    break
        assert process.returncode == -signal.SIGKILL, "it must not have come to an end before"
        with reading(engine) as connection:
            now = len(rescans.done_tasks(connection))
        assert now >= done > seen
        seen = now
        assert json.loads(difwatch(state, "status", "--json", check=False).stdout)["rescan_progress"] > 0
    assert f" {seen} of " in difwatch(state, "rescan", "--similarity", "3000").stdout
    with reading(engine) as connection:
        kept = found(connection, limit_of(3000, recipe.values))
    assert kept == naive.tensor_pairs(ids, tensors, limit_of(3000, recipe.values), True, True)
    engine.dispose()


def test_verify_tells_missing_and_wrong_pairs_and_exits_with_four(state, store):
    store.rescan()
    said = difwatch(state, "verify").stdout
    matched = f"{len(store.expected()):,}".replace(",", " ")
    assert f"{matched} matches, 0 missing, 0 wrong; recall 100 %" in said
    with writing(store.engine) as connection:
        a, b, *_ = min(store.expected())
        connection.execute(text("DELETE FROM match WHERE a = :a AND b = :b"), {"a": a, "b": b})
        a, b, *_ = max(store.expected())
        connection.execute(
            text("UPDATE match SET sse_rotation = sse_rotation + 90 WHERE a = :a AND b = :b"), {"a": a, "b": b}
        )
    done = difwatch(state, "verify", check=False)
    assert done.returncode == 4
    assert "2 missing, 1 wrong" in done.stdout
    assert "'difwatch rescan' sets it right" in done.stderr
    assert difwatch(state, "rescan").returncode == 0
    assert difwatch(state, "verify", "--sample", "7", "--seed", "3").returncode == 0


def test_verify_compares_a_sample_with_everything(state, store):
    store.rescan()
    count = len(store.ids)
    said = difwatch(state, "verify", "--sample", "1", "--seed", "1").stdout
    assert f"compared 1 distinct picture with all {count} ({count - 1} pairs)" in said


def test_a_store_without_pictures_has_nothing_to_search_and_nothing_to_verify(state):
    engine, _ = new_store(state, PX, 50)
    engine.dispose()
    done = difwatch(state, "rescan", check=False)
    assert done.returncode == 2
    assert "there is nothing to search" in done.stderr
    assert "recall" not in difwatch(state, "verify").stdout, "nothing was found, so nothing is claimed"


def test_the_matches_are_set_right_without_looking_at_every_pair_of_pictures(tmp_path):
    engine, recipe = new_store(tmp_path / "state", 10, 50)
    count = 2000
    tensors = np.random.default_rng(1).integers(0, 255, (count, 10, 10, 3), dtype=np.uint8)
    tensors[-10:] = tensors[:10] + 1
    fill(engine, recipe, tensors)
    ticks = []

    def told(now):
        if now.done == now.tasks:  # what is left is to set the matches right
            driver = engine.raw_connection().driver_connection
            driver.set_progress_handler(lambda: ticks.append(1), 100)

    stored = Stored(engine, recipe, tmp_path / "state" / "difwatch.db", None, tensors)
    assert stored.rescan(progress=told).missing == 10
    assert 0 < len(ticks) * 100 < 200 * count, "steps of the database, far from one for each pair"
    engine.dispose()


def test_no_step_takes_longer_where_more_pairs_are_found(tmp_path):
    """Neither keeping what a task found, nor setting the matches right, nor going less far."""

    def longest(count, most):
        engine, recipe = new_store(tmp_path / f"{count} {most}", 10, 50)
        tensors = np.random.default_rng(1).integers(0, 255, (count, 10, 10, 3), dtype=np.uint8)
        fill(engine, recipe, tensors)
        plan = RescanPlan("classic", 1, GIB, most, error=65025.0, least=50.0)
        running = RunningRescan(engine, tmp_path / f"{count} {most}" / "difwatch.db", plan, Inline(), StandingClock())
        driver = engine.raw_connection().driver_connection
        steps, result = [], None
        while result is None:
            steps.append(0)

            def tick():
                steps[-1] += 1

            driver.set_progress_handler(tick, 1000)
            result = running.step()
        pairs = count * (count - 1) // 2
        assert 0 < result.pairs <= min(pairs, most)
        engine.dispose()
        return len(steps), max(steps)

    (few, short), (many, long) = longest(210, 10**6), longest(420, 10**6)
    assert many >= 3 * few
    assert 0 < long < 1.2 * short
    assert longest(420, 80_000)[1] < 4 * short, "the distances of all pairs are read, no more"
