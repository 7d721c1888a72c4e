"""The daemon under faults, in short; the programs in ``tests/faults`` do the same for long."""

import contextlib
import os
import sqlite3

import pytest

from difwatch import config
from difwatch.clock import SystemClock
from difwatch.control.state_dir import StateDir
from difwatch.service import requests
from difwatch.service.daemon import Daemon as InProcess
from difwatch.service.daemon import Options
from difwatch.service.health import Health, Listeners
from difwatch.store import engine, folders, open_reader, reading
from tests.faults import bad_requests, daemon_kills, readers
from tests.support.photos import photo
from tests.support.running import Daemon, difwatch, until


@pytest.mark.slow  # test_daemon kills one six times
@pytest.mark.timeout(300)
def test_killed_under_load_it_loses_nothing_and_invents_nothing():
    result = daemon_kills.run(30, seed=3, longest=1.6)
    assert not result.details, "\n".join(result.details)
    assert result.kills == 30
    assert result.changes > 100
    assert result.restarts


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_readers_and_second_daemons_beside_a_daemon_at_work_are_never_told_that_it_is_locked():
    summary, found = readers.run(8)
    assert not found, "\n".join([summary, *found])


@pytest.mark.slow  # tests/unit/service/test_requests.py tries any fields in the process
def test_bad_requests_are_answered_with_an_error_that_names_the_wrong_field_and_change_nothing():
    summary, found = bad_requests.run(300, 5, other_user=False)
    assert not found, "\n".join([summary, *found])


@pytest.mark.parametrize("word", bad_requests.FIELDS)
def test_a_request_is_good_before_a_field_of_it_is_made_wrong(word):
    fields = bad_requests.FIELDS[word]
    assert requests.parsed({"do": word, **fields}).to_json() == fields


@pytest.mark.root
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_refused():
    summary, found = bad_requests.run(0, 1, other_user=True)
    assert not found, "\n".join([summary, *found])


@pytest.mark.parametrize("make", [lambda path: path.write_bytes(b"no picture"), os.mkfifo])
def test_what_cannot_be_read_and_is_renamed_is_known_by_its_new_name_only(tmp_path, make):
    old, new = tmp_path / "pictures/old.png", tmp_path / "pictures/new.png"
    old.parent.mkdir()
    make(old)
    daemon = Daemon(tmp_path / "state", old.parent, quiet=0.1)
    try:
        daemon.wait_until_up_to_date()
        old.rename(new)
        daemon.wait_for(lambda line: str(new) in line["message"])
        until(lambda: str(old) not in difwatch(tmp_path / "state", "unreadable").stdout, 10)
        assert str(new) in difwatch(tmp_path / "state", "unreadable").stdout
    finally:
        assert daemon.end() == 0


class Holding:
    """Stands for a `difwatch.service.possession.Possession` of a lock that is held."""

    token = "token"

    def holds_lock(self):
        return True


class Ears:
    """Implements the sending of `difwatch.control.notify.Notifier`."""

    def __init__(self):
        self.last = ()

    def send(self, *states):
        self.last = states

    def hears_a_ping(self):
        return "WATCHDOG=1" in self.last


def test_a_daemon_whose_store_is_held_by_another_process_stops_its_pings_and_goes_on_when_it_is_free(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(engine, "_COMMON_PRAGMAS", ("PRAGMA busy_timeout = 50",))  # in earnest, it waits for 10 s
    folder, state = tmp_path / "pictures", StateDir(tmp_path / "state")
    folder.mkdir()
    listeners = Listeners(state, Ears())
    watched = config.load(None, {"quiet_seconds": 0.0, "processes": 1}, (str(folder),))
    health = Health(listeners, Holding(), SystemClock())
    with contextlib.closing(InProcess(lambda: watched, listeners, lambda _: None, Options())) as daemon:
        loop = daemon.loop
        loop.session.arm(True, SystemClock().monotonic())

        def turns_until(holds):
            while not holds():
                loop.turn(True)
            health.report(loop.session, ())

        def known():
            with reading(open_reader(state.store)) as connection:
                return folders.counts(connection)[0].images

        photo(0).save(folder / "first.png")
        turns_until(lambda: known() == 1)
        assert listeners.notifier.hears_a_ping()
        with contextlib.closing(sqlite3.connect(state.store, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            photo(1).save(folder / "a.png")
            turns_until(lambda: loop.session.pipeline.is_stuck)
            for _ in range(10):
                loop.turn(True)
                health.report(loop.session, ())
                assert not listeners.notifier.hears_a_ping()
            assert any("another process is writing" in state for state in listeners.notifier.last)
        turns_until(lambda: known() == 2)
        assert listeners.notifier.hears_a_ping()
        photo(1).save(folder / "b.png", compress_level=1)
        turns_until(lambda: known() == 3)
    assert "another process is writing" in caplog.text
    report = difwatch(state.path, "report").stdout
    assert "a.png" in report and "b.png" in report
