"""The daemon under faults, in short; the programs in ``tests/faults`` do the same for long."""

import os
import socket
import sqlite3
import time

import pytest

from tests.faults import bad_requests, daemon_kills, readers
from tests.support.photos import photo
from tests.support.running import Daemon, difwatch


@pytest.mark.timeout(300)
def test_killed_under_load_it_loses_nothing_and_invents_nothing():
    result = daemon_kills.run(30, seed=3, longest=1.6)
    assert not result.details, "\n".join(result.details)
    assert result.kills == 30
    assert result.changes > 100
    assert result.restarts


@pytest.mark.timeout(300)
def test_readers_and_second_daemons_beside_a_daemon_at_work_are_never_told_that_it_is_locked():
    summary, found = readers.run(8)
    assert not found, "\n".join([summary, *found])


@pytest.mark.timeout(300)
def test_bad_requests_are_answered_with_an_error_and_change_nothing():
    summary, found = bad_requests.run(300, 5, other_user=False)
    assert not found, "\n".join([summary, *found])


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
        end = time.monotonic() + 10
        while str(old) in (listed := difwatch(tmp_path / "state", "unreadable").stdout) and time.monotonic() < end:
            pass
        assert str(new) in listed and str(old) not in listed
    finally:
        assert daemon.end() == 0


@pytest.fixture
def ears(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def pings(ears, seconds):
    """How many pings come within some seconds."""
    end, count = time.monotonic() + seconds, 0
    while (left := end - time.monotonic()) > 0:
        ears.settimeout(left)
        try:
            count += "WATCHDOG=1" in ears.recv(1000).decode()
        except TimeoutError:
            break
    return count


def test_a_daemon_whose_store_is_held_by_another_process_stops_its_pings_and_goes_on_when_it_is_free(tmp_path, ears):
    (tmp_path / "pictures").mkdir()
    daemon = Daemon(tmp_path / "state", tmp_path / "pictures", quiet=0.1)
    try:
        daemon.wait_until_up_to_date()
        assert pings(ears, 3) > 0
        holder = sqlite3.connect(tmp_path / "state/difwatch.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        photo(1).save(tmp_path / "pictures/a.png")
        pings(ears, 12)  # the time for which it waits for the store
        assert pings(ears, 6) == 0
        assert daemon.process.poll() is None
        holder.close()
        ears.settimeout(30)
        while "WATCHDOG=1" not in ears.recv(1000).decode():
            pass
        photo(1).save(tmp_path / "pictures/b.png", compress_level=1)
        daemon.wait_for_match(tmp_path / "pictures/b.png")
        assert any("another process is writing" in line["message"] for line in daemon.lines)
    finally:
        assert daemon.end() == 0
    assert "a.png" in difwatch(tmp_path / "state", "report").stdout
