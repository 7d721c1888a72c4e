"""The daemon as a process: it follows what happens to real files, ends when told, and loses nothing when killed."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support import naive
from tests.support.photos import photo
from tests.support.running import Daemon, difwatch, reported_pairs, until


@pytest.fixture
def place(tmp_path):
    (tmp_path / "pictures").mkdir()
    return tmp_path


def expected(folder):
    return naive.matched(naive.read_tree(os.fsencode(folder), recipe="fast"))


def once(place, check=True):
    return difwatch(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures", check=check)


def the_folder(place):
    """What status says of the only folder."""
    (folder,) = json.loads(difwatch(place / "state", "status", "--json", check=False).stdout)["folders"]
    return folder


def a_daemon_that_cannot_work(place, pictures, flags=()):
    """A daemon whose workers are stopped, as soon as it reports what it is at."""
    for picture in range(pictures):
        photo(picture, 300, 200).save(place / "pictures" / f"{picture}.png")
    daemon = Daemon(place / "state", place / "pictures", flags=flags)
    workers = daemon.workers()
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    heartbeat = place / "state" / "daemon.json"
    until(lambda: heartbeat.exists() or daemon.process.poll() is not None, 60)
    return daemon, workers


def finish(daemon, place, copy):
    """One more copy of the picture must be matched; in the end, the pairs must be those of the twin."""
    photo(1).save(place / "pictures" / f"copy{copy}.png", compress_level=copy)
    daemon.wait_for_match(place / "pictures" / f"copy{copy}.png")
    assert daemon.end() == 0
    assert reported_pairs(place / "state") == expected(place / "pictures")


def test_it_follows_files_that_are_copied_renamed_rewritten_moved_and_deleted(place, corpus):
    pictures, state = place / "pictures", place / "state"
    photos = sorted((corpus / "photos" / "clothing").glob("*.jpg"))[:12]
    for path in photos[:6]:
        shutil.copy(path, pictures)
    daemon = Daemon(state, pictures)
    daemon.wait_until_up_to_date()
    names = [pictures / path.name for path in photos]

    shutil.copy(names[0], pictures / "copy.jpg")
    line = daemon.wait_for_match(pictures / "copy.jpg")
    assert (line["old"], line["mse"], line["level"]) == (str(names[0]), 0, "identical")

    names[1].rename(pictures / "renamed.jpg")
    daemon.wait_for(lambda line: line["event"] == "moved" and line["path"] == str(pictures / "renamed.jpg"))

    shutil.copy(names[2], names[3])  # rewritten with the picture of another
    assert daemon.wait_for_match(names[3])["old"] == str(names[2])

    (pictures / "album").mkdir()
    shutil.copy(photos[7], pictures / "album" / "a.jpg")
    shutil.copy(photos[7], pictures / "album" / "b.jpg")
    daemon.wait_for(lambda line: line["event"] == "match" and "album" in line["new"])
    (pictures / "album").rename(place / "outside")
    gone = daemon.wait_for(lambda line: line["event"] == "gone" and line["path"].endswith("album"))
    assert gone["files"] == 2
    (place / "outside").rename(pictures / "back")
    daemon.wait_for(lambda line: line["event"] == "match" and "back" in line["new"])

    (pictures / "copy.jpg").unlink()
    daemon.wait_for(lambda line: line["event"] == "gone" and line["path"] == str(pictures / "copy.jpg"))
    assert reported_pairs(state) == expected(pictures) != {}
    assert daemon.end() == 0
    once(place)
    assert reported_pairs(state) == expected(pictures)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_five_seconds_in_the_middle_of_work_and_the_next_start_goes_on(place, number):
    daemon, workers = a_daemon_that_cannot_work(place, 60)
    heartbeat = place / "state" / "daemon.json"
    until(lambda: json.loads(heartbeat.read_text())["queue"]["working"], 60)
    start = time.monotonic()
    assert daemon.end(number) == 0
    assert time.monotonic() - start < 5, "a promise of the program, not a benchmark"
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    once(place)
    assert the_folder(place)["images"] == 60


def test_once_that_is_told_to_stop_says_that_it_is_not_complete(place):
    daemon, _ = a_daemon_that_cannot_work(place, 30, flags=("--once",))
    assert daemon.end() == 3


@pytest.mark.slow
def test_killed_at_random_instants_it_ends_up_with_every_file_once(place):
    dice = random.Random(2)
    for picture in range(150):
        photo(picture % 40, 120, 80).save(place / "pictures" / f"{picture}.png", compress_level=picture % 10)
    for _ in range(6):
        daemon = Daemon(place / "state", place / "pictures")
        try:
            daemon.process.wait(timeout=0.2 + dice.random())
        except subprocess.TimeoutExpired:
            assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
    once(place)
    assert the_folder(place)["images"] == 150
    assert reported_pairs(place / "state") == expected(place / "pictures")


def test_a_second_daemon_refuses_and_names_the_first_one(place):
    daemon = Daemon(place / "state", place / "pictures")
    daemon.wait_until_up_to_date()
    for command in (("watch", place / "pictures"), ("watch", "--once", place / "pictures"), ("db", "upgrade")):
        done = difwatch(place / "state", *command, check=False)
        assert done.returncode == 5
        assert f"another difwatch (pid {daemon.process.pid}) is working" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    status = difwatch(place / "state", "status", "--json")
    found = json.loads(status.stdout)
    assert (found["state"], found["pid"]) == ("running", daemon.process.pid)
    assert found["folders"][0]["state"] == "watching"
    assert f"pid {daemon.process.pid}" in difwatch(place / "state", "status").stdout.splitlines()[0]
    assert daemon.end() == 0
    assert difwatch(place / "state", "status", check=False).returncode == 1


def test_files_that_changed_while_it_was_away_are_found_at_start(place):
    pictures = place / "pictures"
    for number in range(4):
        photo(number).save(pictures / f"{number}.png")
    once(place)
    (pictures / "0.png").unlink()
    (pictures / "1.png").rename(pictures / "one.png")
    photo(3).save(pictures / "2.png", compress_level=1)
    photo(9).save(pictures / "new.png")
    once(place)
    assert reported_pairs(place / "state") == expected(pictures)
    assert the_folder(place)["files"] == 4


def test_a_folder_that_goes_away_is_offline_and_nothing_is_forgotten_and_it_is_found_again(place):
    pictures = place / "pictures"
    photo(1).save(pictures / "a.png")
    photo(1).save(pictures / "b.png", compress_level=1)
    daemon = Daemon(place / "state", pictures)
    daemon.wait_until_up_to_date()
    pictures.rename(place / "elsewhere")
    daemon.wait_for(lambda line: "is not there or cannot be read" in line["message"])
    heartbeat = place / "state" / "daemon.json"
    until(lambda: json.loads(heartbeat.read_text())["reasons"], 20)
    assert difwatch(place / "state", "status", check=False).returncode == 3
    folder = the_folder(place)
    assert (folder["files"], folder["state"]) == (2, "offline")
    (place / "elsewhere").rename(pictures)
    daemon.wait_for(lambda line: "is back" in line["message"])
    finish(daemon, place, 2)


def test_a_worker_that_is_killed_costs_nothing(place):
    for picture in range(100):
        photo(picture, 300, 200).save(place / "pictures" / f"{picture}.png")
    daemon = Daemon(place / "state", place / "pictures")
    os.kill(daemon.workers()[0], signal.SIGKILL)
    daemon.wait_until_up_to_date()
    assert daemon.end() == 0
    folder = the_folder(place)
    assert (folder["images"], folder["unreadable"]) == (100, 0)


def test_a_watching_thread_that_dies_is_noticed_and_nothing_is_missed(place):
    """The sequence of a folder put into the waste basket, made again, put there again, and the basket emptied."""
    pictures, trash = place / "pictures", place / "trash"
    (pictures / "album").mkdir()
    trash.mkdir()
    photo(1).save(pictures / "a.png")
    daemon = Daemon(place / "state", pictures)
    daemon.wait_until_up_to_date()
    photo(1).save(pictures / "album" / "b.png", compress_level=1)
    daemon.wait_for_match(pictures / "album" / "b.png")
    (pictures / "album").rename(trash / "album")
    daemon.wait_for(lambda line: line["event"] == "gone")
    (pictures / "album").mkdir()
    photo(1).save(pictures / "album" / "c.png", compress_level=2)
    daemon.wait_for_match(pictures / "album" / "c.png")
    (pictures / "album").rename(trash / "album.2")
    daemon.wait_for(lambda line: line["event"] == "gone")
    shutil.rmtree(trash / "album.2")
    shutil.rmtree(trash / "album")
    daemon.wait_for(lambda line: "a watching thread ended" in line["message"])
    finish(daemon, place, 3)


def test_a_folder_of_many_pictures_that_is_renamed_while_nobody_looks_is_found_without_a_question(place):
    photo(1).save(place / "one.png")
    (place / "pictures/album").mkdir()
    for number in range(120):
        (place / f"pictures/album/{number}.png").write_bytes((place / "one.png").read_bytes() + b"%d" % number)
    once(place)
    (place / "pictures/album").rename(place / "pictures/renamed")
    once(place)
    assert the_folder(place)["files"] == 120
    assert difwatch(place / "state", "unreadable").stdout == ""


def test_an_emptied_folder_is_believed_when_a_person_says_so(place):
    photo(1).save(place / "pictures/one.png")
    once(place)
    (place / "pictures/one.png").unlink()
    done = once(place, check=False)
    assert done.returncode == 3
    assert "is empty, but files are known from it" in done.stderr
    assert "difwatch forget" in done.stderr
    difwatch(place / "state", "forget", place / "pictures")
    once(place)
    assert the_folder(place)["files"] == 0
