"""A store that is damaged, gone, or on a full disk: put aside, restored or made anew, and nothing of it lost."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import pytest

from difwatch.actions import transfer
from difwatch.actions.move import carry_out
from difwatch.store import backups
from tests.faults import disks
from tests.support.commands import called, index, reported_pairs
from tests.support.moving import act, journal, rules
from tests.support.photos import photo
from tests.support.running import Daemon, difwatch, started

DAY = date(2026, 11, 20)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "pictures").mkdir()
    for number in range(30):
        photo(number % 25).save(tmp_path / f"pictures/{number}.png")
    known(tmp_path)
    called(tmp_path / "state", "apply", "--move-to", tmp_path / "out", "--folder", tmp_path / "pictures")
    for number in range(3):
        photo(number).save(tmp_path / f"pictures/again{number}.png")
    known(tmp_path)
    return tmp_path


def known(place):
    return index(place / "state", place / "pictures")


def garbage(store):
    data = bytearray(store.read_bytes())
    for at in range(8192, len(data), 4096):
        data[at : at + 100] = b"x" * 100
    store.write_bytes(data)


def truncated(store):
    os.truncate(store, store.stat().st_size // 2)


def emptied(store):
    os.truncate(store, 0)


def text(store):
    store.write_text("this is no database\n" * 1000)


def of_another_program(store):
    store.unlink()
    with sqlite3.connect(store) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()


def gone(store):
    store.unlink()


@pytest.mark.parametrize("damage", [garbage, truncated, emptied, text, of_another_program, gone])
@pytest.mark.parametrize("with_copy", [False, True])
def test_a_damaged_store_is_put_aside_and_all_is_as_before(place, damage, with_copy):
    store = place / "state/difwatch.db"
    before, moves = reported_pairs(place / "state"), (place / "state/moves.db").read_bytes()
    assert before
    if with_copy:
        assert backups.back_up(store, DAY) is None
    damage(store)
    damaged = store.read_bytes() if store.exists() else b""
    done = known(place)
    assert reported_pairs(place / "state") == before
    assert (place / "state/moves.db").read_bytes() == moves
    aside = [
        path.name
        for path in (place / "state").iterdir()
        if ".damaged-" in path.name and not path.name.endswith(("-wal", "-shm"))
    ]
    if damage in (gone, emptied):
        assert aside == []
        return
    assert len(aside) == 1
    assert aside[0] in done.stderr
    assert (place / "state" / aside[0]).read_bytes() == damaged, "nothing is deleted"
    assert ("the copy of 2026-11-20 is taken" if with_copy else "made from the folders") in done.stderr
    called(place / "state", "undo", "--all")


def test_a_log_of_the_store_that_was_deleted_costs_only_reading_again(place):
    daemon = Daemon(place / "state", place / "pictures")
    daemon.wait_until_up_to_date()
    photo(3).save(place / "pictures/late.png")
    daemon.wait_for_match(place / "pictures/late.png")
    before = reported_pairs(place / "state")
    daemon.end(signal.SIGKILL)
    for end in ("-wal", "-shm"):
        (place / f"state/difwatch.db{end}").unlink()
    known(place)
    assert reported_pairs(place / "state") == before


def test_a_copy_is_made_once_a_day_and_three_are_kept(place):
    store = place / "state/difwatch.db"
    for day in range(1, 6):
        assert backups.back_up(store, date(2026, 11, day)) is None
    kept = sorted(path.name for path in (place / "state/backups").iterdir())
    assert kept == [f"difwatch-2026-11-0{day}.db" for day in (3, 4, 5)]
    when = backups.newest(store).stat().st_mtime_ns
    assert backups.back_up(store, date(2026, 11, 5)) is None
    assert backups.newest(store).stat().st_mtime_ns == when


def test_a_running_daemon_copies_its_store(place):
    daemon = Daemon(place / "state", place / "pictures")
    daemon.wait_until_up_to_date()
    photo(3).save(place / "pictures/late.png")
    daemon.wait_for_match(place / "pictures/late.png")
    assert daemon.end() == 0
    copy = backups.newest(place / "state/difwatch.db")
    assert copy is not None
    shutil.copy(copy, place / "state/difwatch.db")


def test_without_room_no_copy_is_made_and_it_is_said(place, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 90, 10))
    assert "no room" in backups.back_up(place / "state/difwatch.db", DAY)
    assert backups.newest(place / "state/difwatch.db") is None


def fill(path):
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


@pytest.mark.root
@pytest.mark.skipif(bool(why := disks.is_possible()), reason=str(why))
def test_a_full_disk_pauses_the_daemon_and_it_goes_on_by_itself(tmp_path):
    (tmp_path / "pictures").mkdir()
    with disks.mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs") as state:
        daemon = Daemon(state, tmp_path / "pictures")
        try:
            daemon.wait_until_up_to_date()
            filler = state / "filler"
            with pytest.raises(OSError, match="No space"):
                fill(filler)
            for number in range(40):
                photo(number).save(tmp_path / f"pictures/{number}.png")
            photo(1).save(tmp_path / "pictures/copy.png")
            daemon.wait_for(lambda line: "the disk is full" in line["message"])
            filler.unlink()
            line = daemon.wait_for(lambda line: line["event"] == "match")
            assert {Path(line["new"]).name, Path(line["old"]).name} == {"1.png", "copy.png"}
        finally:
            assert daemon.end() == 0
        status = json.loads(called(state, "status", "--json", check=False).stdout)
        assert status["folders"][0]["images"] == 41


def once(state, pictures, *before):
    if not before:
        return index(state, pictures, check=False)
    command = [*before, sys.executable, "-m", "difwatch", "--state-dir", state, "watch", "--once"]
    return subprocess.run([*command, "--quiet-seconds", "0", pictures], capture_output=True, text=True, check=False)


def read_only(state):
    subprocess.run(["mount", "-o", "remount,ro", state], check=True)
    yield ()
    subprocess.run(["mount", "-o", "remount,rw", state], check=True)


def without_inodes(state):
    made = []
    with contextlib.suppress(OSError):
        for number in range(1000):
            (state / f"filler{number}").touch()
            made.append(state / f"filler{number}")
    assert len(made) < 1000
    yield ()
    for file in made:
        file.unlink()


def failing_sync(_state):
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    calls = "fdatasync,fsync"
    yield ("strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={calls}:error=EIO")


@pytest.mark.root
@pytest.mark.skipif(bool(why := disks.is_possible()), reason=str(why))
@pytest.mark.parametrize("fault", [read_only, without_inodes, failing_sync])
def test_a_disk_that_takes_nothing_ends_it_in_one_line_and_the_next_start_goes_on(tmp_path, fault):
    (tmp_path / "pictures").mkdir()
    for name in "ab":
        photo(1).save(tmp_path / f"pictures/{name}.png")
    with disks.mounted("-t", "tmpfs", "-o", "size=20m,nr_inodes=60", "tmpfs") as state:
        index(state, tmp_path / "pictures")
        photo(1).save(tmp_path / "pictures/c.png")
        with contextlib.contextmanager(fault)(state) as before:
            done = once(state, tmp_path / "pictures", *before)
        assert (done.returncode, done.stderr.count("\n")) == (5, 1), done.stderr
        index(state, tmp_path / "pictures")
        assert "1 group: 2 duplicates among 3 pictures" in called(state, "report").stdout


def test_check_and_backup_refuse_what_is_no_sound_store(place, tmp_path):
    store, journal = place / "state/difwatch.db", place / "state/moves.db"
    copied = difwatch(place / "state", "db", "backup").stdout.strip()
    photo(9).save(place / "pictures/later.png")
    known(place)
    called(place / "state", "db", "backup")
    assert Path(copied).stat().st_mtime_ns > 0
    with sqlite3.connect(copied) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM file WHERE CAST(path AS TEXT) LIKE '%later.png'"
        ).fetchone()
    connection.close()
    assert count == 1, "the second copy of a day is a copy of now"
    journal.write_bytes(b"x" * 5000)
    done = called(place / "state", "db", "check", check=False)
    assert done.returncode == 5
    assert "keep it: it says where moved pictures are" in done.stderr
    journal.unlink()
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for command in (("db", "check"), ("db", "backup"), ("db", "backup", tmp_path / "copy.db")):
        done = called(place / "state", *command, check=False)
        assert (done.returncode, done.stdout) == (5, "")
        assert "newer difwatch" in done.stderr
    assert not (tmp_path / "copy.db").exists()


class Killed(BaseException):
    """Stands for a kill."""


def test_an_act_that_a_kill_left_open_is_settled_by_a_daemon_that_only_looks(tmp_path, monkeypatch):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    photo(1).save(pictures / "a.png")
    shutil.copy(pictures / "a.png", pictures / "b.png")
    book = journal(tmp_path / "state")
    os.chmod(tmp_path / "state", 0o700)
    monkeypatch.setattr(transfer, "unlink", lambda apart: (_ for _ in ()).throw(Killed))
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other, pytest.raises(Killed):
        if os.stat(other).st_dev == os.stat(tmp_path).st_dev:
            pytest.skip("/dev/shm is not another disk here")
        carry_out(act(pictures / "b.png", pictures / "a.png", Path(other) / "b.png"), book, rules(tmp_path))
    book.close()
    monkeypatch.undo()
    assert not (pictures / "b.png").exists(), "it waits beside, with a name that nobody knows"
    done = started(tmp_path / "state", "watch", "--once", "--quiet-seconds", "0", pictures)
    assert "that was interrupted is rolled back" in done.stderr
    assert sorted(path.name for path in pictures.iterdir()) == ["a.png", "b.png"]
