"""Raising how far pairs are remembered: the daemon goes on with everything else, and every answer stays exact."""

import os
import shutil
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from PIL import Image

from difwatch.control.lock import Holder
from difwatch.control.requests import ask
from difwatch.errors import StoreFullError, UsageError
from difwatch.model.settings import Folder, Settings
from difwatch.report.status import read_status
from difwatch.report.text_status import text_status
from difwatch.service.loop import Turn
from difwatch.service.requests import FollowRescan, Ping, StartRescan, message
from difwatch.store import reading, rescans, settings
from tests.support import naive
from tests.support.photos import photo
from tests.support.wiring import HeldExecutor, Wired

PX = 12


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr("difwatch.service.background._BLOCK", 4)


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(12):
        shade(number).save(folder / f"{number:02}.png")
    (tmp_path / "state").mkdir()
    return folder


def shade(number):
    """Pictures that differ the more, the farther their numbers are apart."""
    values = np.asarray(photo(number % 3, 40, 30)).astype(int) + 3 * number
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


@pytest.fixture
def daemon(tmp_path, pictures):
    """Makes a daemon over the pictures; those before it must be closed."""
    made = []

    def make(remembered=5.0, **values):
        wired = Wired(
            tmp_path / "state", Folder(os.fsencode(pictures)), remember_up_to=remembered, px_size=PX, **values
        )
        made.append(wired)
        return wired

    yield make
    for wired in made:
        wired.close()


@pytest.fixture
def raising(daemon):
    """A daemon that has everything up to an MSE of 5, and an executor that is still at the search up to 2000."""
    first = daemon()
    first.scan()
    first.close()
    executor = HeldExecutor()
    wired = daemon(2000.0, executor=executor)
    wired.executor = executor
    wired.scan()
    return wired


def expected(pictures, mse):
    return naive.file_pairs(naive.read_tree(os.fsencode(pictures), px=PX), mse, True, True)


def remembered(wired):
    with reading(wired.engine) as connection:
        return settings.get_in_force(connection).remembered


def finish(wired):
    for _ in range(1000):
        if wired.turn() is Turn.IDLE and not wired.rescan.is_going_on():
            return
        if wired.executor.waiting:
            wired.executor.run_one()
    raise AssertionError("the search does not come to an end")


def test_while_the_search_is_slow_pings_events_answers_and_matches_go_on(raising, pictures, caplog):
    assert raising.executor.waiting and raising.rescan.is_going_on()
    assert raising.turn() is Turn.IDLE, "nothing is waited for"
    raising.clock.move(2)
    raising.loop.report()
    assert "WATCHDOG=1" in raising.notifier.sent
    assert raising.progress[-1].rescan.tasks > 0
    answers = []
    state_dir = raising.resources.state_dir
    asking = threading.Thread(target=lambda: answers.append(ask(state_dir, message(Ping()))))
    asking.start()
    while asking.is_alive():
        raising.requests.serve(raising.clock.monotonic())
    assert answers == [{"pid": os.getpid(), "settled": True}]
    shutil.copy(pictures / "00.png", pictures / "new.png")
    raising.tell(pictures / "new.png")
    with caplog.at_level("INFO"):
        raising.run()
    assert f"match {pictures}/new.png {pictures}/00.png" in caplog.text
    assert raising.executor.waiting, "and all the time it was at the same task"


def test_the_reach_in_force_is_what_was_searched_until_the_search_has_ended(raising, pictures):
    assert (remembered(raising).error, remembered(raising).wanted) == (5, 2000)
    assert raising.pairs() == expected(pictures, 5)
    with pytest.raises(UsageError, match="a full search is raising that to 2000"):
        raising.pairs(1000)
    finish(raising)
    assert remembered(raising).error == 2000
    assert raising.pairs(2000) == expected(pictures, 2000)
    assert len(expected(pictures, 2000)) > len(expected(pictures, 5))


def test_status_says_how_far_it_is_and_what_comes_of_it(raising):
    from difwatch.model.health import Heartbeat

    with reading(raising.engine) as connection:
        status = read_status(connection, Holder(1, "", "watch"), Heartbeat(), 0.0)
    text = "".join(text_status(status))
    assert (
        "a full search is 0 % done: pairs are remembered up to 5 and will be remembered up to an MSE of 2000" in text
    )


def test_a_larger_similarity_counts_only_as_far_as_all_of_it_is_known(daemon, pictures):
    first = daemon(5.0)
    first.scan()
    first.close()
    executor = HeldExecutor()
    wired = daemon(5.0, settings=Settings(threshold=900.0), executor=executor)
    wired.executor = executor
    wired.scan()
    assert wired.pairs() == expected(pictures, 5), "not some of the others, because they are new"
    assert wired.collection().threshold == 5
    finish(wired)
    assert wired.pairs() == expected(pictures, 900)
    assert wired.collection().threshold == 900


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_restart_goes_on_with_it_and_with_what_came_meanwhile(raising, daemon, pictures, after):
    for _ in range(after):
        raising.executor.run_one()
        raising.turn()
    shade(20).save(pictures / "new.png")
    raising.tell(pictures / "new.png")
    raising.run()
    raising.close()
    executor = HeldExecutor()
    again = daemon(2000.0, executor=executor)
    again.executor = executor
    shade(21).save(pictures / "newer.png")
    again.scan()
    assert again.rescan.progress.done == after
    finish(again)
    assert again.pairs(2000) == expected(pictures, 2000)


def test_what_is_not_wanted_any_more_is_given_up(raising, daemon, pictures):
    raising.close()
    executor = HeldExecutor()
    farther = daemon(3000.0, executor=executor)
    farther.executor = executor
    assert farther.rescan.progress.error == 3000
    farther.config = farther.config.model_copy(update={"remember_up_to": 50.0})
    session = farther.session.replaced(farther.config, farther.resources)
    farther.rescan.serve(session.keeper, farther.config.max_pairs)
    assert farther.rescan.progress.error == 50
    finish(farther)
    assert farther.pairs(50) == expected(pictures, 50)


@pytest.mark.parametrize(("before", "after"), [(None, 0.03), (0.03, None)])
def test_a_search_by_a_measure_that_is_not_in_force_any_more_is_given_up(daemon, pictures, before, after):
    first = daemon(nmse=after, edited=after is not None)
    first.scan()
    first.close()
    executor = HeldExecutor()
    wired = daemon(2000.0 if before is None else 0.05, executor=executor, nmse=before, edited=before is not None)
    wired.executor = executor
    wired.scan()
    executor.run_one()
    assert wired.rescan.is_going_on()
    wired.config = wired.config.model_copy(update={"nmse": after, "edited": after is not None})
    session = wired.session.replaced(wired.config, wired.resources)
    wired.rescan.serve(session.keeper, wired.config.max_pairs)
    finish(wired)
    assert wired.rescan.failure() is None
    measure = "mse" if after is None else "nmse"
    with reading(wired.engine) as connection:
        assert settings.get_in_force(connection).measure == measure
        assert not settings.get_in_force(connection).remembered.is_behind


def test_a_search_for_tensors_that_are_not_in_force_any_more_is_given_up(raising, daemon, pictures):
    raising.close()
    wired = Wired(raising.resources.state_dir.path, Folder(os.fsencode(pictures)), px_size=20, remember_up_to=5.0)
    assert not wired.rescan.is_going_on()
    with reading(wired.engine) as connection:
        assert rescans.unfinished(connection) is None
    wired.close()


def test_a_store_that_takes_nothing_for_a_while_only_delays_it(raising, pictures, monkeypatch):
    put = rescans.put

    def full(*_):
        raise StoreFullError("difwatch.db: the disk is full; make room")

    monkeypatch.setattr(rescans, "put", full)
    raising.executor.run_one()
    assert raising.turn() is Turn.IDLE
    assert not raising.rescan.is_going_on()
    assert "full" in str(raising.rescan.failure())
    monkeypatch.setattr(rescans, "put", put)
    raising.turn()
    assert not raising.rescan.is_going_on()
    raising.clock.move(61)
    raising.turn()
    assert raising.rescan.is_going_on()
    finish(raising)
    assert raising.rescan.failure() is None
    assert raising.pairs(2000) == expected(pictures, 2000)


def test_a_person_who_asks_meanwhile_follows_the_search_that_goes_on(raising):
    raising.rescan.start(StartRescan(error=7.0))
    state = raising.rescan.state()
    assert (state["going_on"], state["progress"]["error"]) == (True, 2000)
    assert FollowRescan().to_json() == {}


def test_too_many_pairs_are_remembered_less_far_and_not_tried_again(daemon, pictures, caplog):
    first = daemon()
    first.scan()
    first.close()
    few = daemon(60000.0, max_pairs=20)
    few.scan()
    reached = remembered(few)
    assert 5 <= reached.error < 60000
    assert (reached.wanted, reached.most) == (60000, 20)
    assert few.pairs(reached.error) == expected(pictures, reached.error)
    few.close()
    caplog.clear()
    again = daemon(60000.0, max_pairs=20)
    again.scan()
    assert "full search" not in caplog.text
    again.close()
    more = daemon(60000.0, max_pairs=10_000)
    more.scan()
    assert more.pairs(60000) == expected(pictures, 60000)


def test_too_many_new_pairs_while_it_goes_on_narrow_it_as_well(raising, daemon, pictures):
    raising.close()
    executor = HeldExecutor()
    wired = daemon(2000.0, executor=executor, max_pairs=10)
    wired.executor = executor
    wired.scan()
    for number in range(30, 42):
        shade(number).save(pictures / f"{number}.png")
    wired.scan()
    finish(wired)
    reached = remembered(wired)
    assert 5 <= reached.error < 2000
    assert wired.pairs(reached.error) == expected(pictures, reached.error)


class RaisedWhatever(RuleBasedStateMachine):
    """Pictures come and go, restarts want more or less, and the search is slow: what is remembered is whole."""

    def __init__(self):
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        top = Path(self.place.name)
        self.state, self.folder, self.count = top / "state", top / "pictures", 0
        for path in (self.state, self.folder):
            path.mkdir()
        (self.folder / "note.txt").touch()  # an empty folder would not be believed
        self.wired = None
        self.restart(5.0, 100_000)

    @rule(mse=st.sampled_from([5.0, 60.0, 900.0, 9000.0]), most=st.sampled_from([8, 40, 100_000]))
    def restart(self, mse, most):
        if self.wired is not None:
            self.wired.close()
        executor = HeldExecutor()
        self.wired = Wired(
            self.state,
            Folder(os.fsencode(self.folder)),
            remember_up_to=mse,
            px_size=PX,
            executor=executor,
            max_pairs=most,
        )
        self.wired.executor = executor
        self.wired.scan()

    @rule(many=st.integers(1, 4))
    def add(self, many):
        for _ in range(many):
            self.count += 1
            shade(self.count).save(self.folder / f"{self.count:03}.png")
        self.wired.scan()

    @rule()
    def remove(self):
        for path in sorted(self.folder.glob("*.png"))[:2]:
            path.unlink()
        self.wired.scan()

    @precondition(lambda self: not self.wired.rescan.is_going_on())
    @rule()
    def purge(self):
        self.wired.session.keeper.purge()

    @precondition(lambda self: self.wired.executor.waiting)
    @rule()
    def work(self):
        self.wired.executor.run_one()
        self.wired.turn()

    @rule()
    def finish(self):
        finish(self.wired)
        assert not remembered(self.wired).is_behind

    @invariant()
    def the_pairs_up_to_the_reach_are_those_of_the_twin(self):
        reached = remembered(self.wired).error
        assert self.wired.pairs(reached) == expected(self.folder, reached)

    def teardown(self):
        self.wired.close()
        self.place.cleanup()


TestRaisedWhatever = RaisedWhatever.TestCase
TestRaisedWhatever.settings = hypothesis_settings(
    max_examples=hypothesis_settings.default.max_examples // 4, stateful_step_count=12, deadline=None
)


@pytest.mark.parametrize(("recipe", "similarity", "said"), [("fast", 0.0, 1), ("fast", 5.0, 0), ("exact", 0.0, 0)])
def test_a_similarity_below_what_the_fast_recipe_changes_is_told(daemon, caplog, recipe, similarity, said):
    daemon(recipe=recipe, similarity=similarity)
    assert caplog.text.count("MSE of 0.05") == said
