"""What `status` and the metrics say of a daemon that runs, is silent, upgrades, or has ended."""

import json
import os
import re
import shutil
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest

from difwatch.control.lock import Holder, WriterLock
from difwatch.control.state_dir import StateDir
from difwatch.model.health import Heartbeat, Queue
from difwatch.report.metrics import text_metrics
from difwatch.report.status import FolderStatus, read_status
from difwatch.report.text_status import text_status
from difwatch.shown import shown_bytes, shown_moment
from tests.support.clock import NOON
from tests.support.photos import photo
from tests.support.running import Daemon, difwatch

HOLDER = Holder(7, "ours", "watch")


@pytest.fixture
def place(tmp_path):
    (tmp_path / "pictures").mkdir()
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        photo(seed).save(tmp_path / f"pictures/{name}.png", compress_level=ord(name) % 9)
    return tmp_path


def a_status(**values):
    beat = Heartbeat(pid=7, token="ours", beat=1000.0, queue=Queue(settling=1, waiting=2, working=3))
    return replace(read_status(None, HOLDER, beat, 1000.0), **values)


@pytest.mark.parametrize(("seconds", "silent"), [(60, False), (121, True), (7200, True)])
def test_a_daemon_that_gives_no_sign_for_two_minutes_is_degraded(seconds, silent):
    beat = Heartbeat(pid=7, token="ours", at=NOON.isoformat(), beat=1000.0)
    status = read_status(None, HOLDER, beat, 1000.0 + seconds)
    assert (status.exit_code, bool(status.reasons)) == ((3, True) if silent else (0, False))
    other = replace(HOLDER, token="another one's")
    assert read_status(None, other, beat, 1000.0 + seconds).reasons == [], "it was another one's sign"


def test_a_daemon_in_another_container_is_known_by_its_token_whatever_its_pid():
    beat = Heartbeat(pid=7, token="ours", beat=1000.0, reasons=("a folder is away",))
    status = read_status(None, Holder(0, "ours", "watch"), beat, 1000.0)
    assert (status.exit_code, status.reasons) == (3, ["a folder is away"])
    assert "in another container" in status.headline()


@pytest.mark.parametrize("work", ["apply", "rescan", "db upgrade"])
def test_a_command_that_works_with_the_store_is_named_and_is_no_daemon(work):
    status = read_status(None, Holder(7, "its", work), Heartbeat(pid=7, token="ours"), 1000.0)
    assert status.exit_code == 1
    assert status.headline() == f"'difwatch {work}' is running (pid 7); no daemon is."


def test_notes_are_told_and_are_no_trouble():
    beat = Heartbeat(pid=7, token="ours", beat=1000.0, notes=("moving waits for /mnt/usb",))
    status = read_status(None, HOLDER, beat, 1000.0)
    assert status.exit_code == 0
    assert "  note: moving waits for /mnt/usb\n" in "".join(text_status(status))


def test_while_the_store_is_upgraded_status_says_so(place):
    difwatch(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    with sqlite3.connect(place / "state/difwatch.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    done = difwatch(place / "state", "status", check=False)
    assert (done.returncode, "db upgrade" in done.stderr) == (5, True), "nobody is at it"
    lock = WriterLock(StateDir(place / "state"), "watch")
    done = difwatch(place / "state", "status", check=False)
    lock.release()
    assert done.returncode == 3
    assert "is being brought to the schema" in done.stdout


def test_the_result_and_the_duration_of_the_last_full_search_are_told(place):
    difwatch(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    assert json.loads(difwatch(place / "state", "status", "--json", check=False).stdout)["last_rescan_result"] is None
    difwatch(place / "state", "rescan", "--nmse", "4")
    found = json.loads(difwatch(place / "state", "status", "--json", check=False).stdout)["last_rescan_result"]
    assert (found["pairs"], found["missing"], found["wrong"]) == (1, 0, 0), "it was not to be remembered before"
    with sqlite3.connect(place / "state/difwatch.db") as connection:
        connection.execute("DELETE FROM match")
    connection.close()
    difwatch(place / "state", "rescan")
    found = json.loads(difwatch(place / "state", "status", "--json", check=False).stdout)["last_rescan_result"]
    assert (found["pairs"], found["missing"], found["wrong"]) == (1, 1, 0)
    assert 0 <= found["seconds"] < 60
    assert "1 pair, missing 1, wrong 0" in difwatch(place / "state", "status", check=False).stdout


def test_losses_are_told_in_words_for_a_day():
    losses = {"overflow": 2, "reader_died": 0, "watch_failed": 0, "unmounted": 1}
    beat = Heartbeat(pid=7, token="ours", beat=1000.0, losses=losses, lost=900.0)
    line = "  events were lost, and the folders walked instead: overflow 2, unmounted 1\n"
    assert line in list(text_status(read_status(None, HOLDER, beat, 1000.0)))
    later = replace(beat, beat=900.0 + 86_401)
    assert line not in list(text_status(read_status(None, HOLDER, later, 900.0 + 86_401)))
    assert read_status(None, HOLDER, later, 900.0 + 86_401).losses == losses, "the counters go on"


def test_while_files_are_read_the_pace_and_the_time_left_are_told():
    text = "".join(text_status(a_status(pace=3, queue=Queue(settling=100, waiting=200, working=0))))
    assert "  300 files on the way, 3 a second, 1 min 40 s left\n" in text
    walking = FolderStatus("/p", "scanning", 5, 4, 0, None, None)
    assert "3 a second, folders are still being walked\n" in "".join(text_status(a_status(pace=3, folders=[walking])))


def test_groups_their_bytes_the_last_activity_and_the_next_step_are_told(place):
    difwatch(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    done = difwatch(place / "state", "status", check=False)
    (lesser,) = json.loads(difwatch(place / "state", "report", "--format", "json").stdout)["lower_quality"]
    size = Path(lesser).stat().st_size
    assert f"  1 group: 1 duplicate, {shown_bytes(size)}\n" in done.stdout
    assert re.search(r"the last new picture came at 2\d{3}-\d\d-\d\d \d\d:\d\d\n", done.stdout)
    assert "next: 'difwatch review' shows them" in done.stdout
    found = json.loads(difwatch(place / "state", "status", "--json", check=False).stdout)["found"]
    assert found == {"groups": 1, "duplicates": 1, "bytes": size, "edited": 0}


SAMPLE = re.compile(r'([a-z_]+)(?:\{([a-z]+)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"\})? (-?[0-9.e+]+)')


def read_metrics(text):
    """Each sample by name and label; a slow reader of the format that takes nothing else."""
    told, samples = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.removeprefix("# TYPE ").split(" ")
            assert name not in told
            told[name] = kind
        elif not line.startswith("# HELP "):
            name, _, label, value = SAMPLE.fullmatch(line).groups()
            assert name in told
            assert (told[name] == "counter") == name.endswith("_total")
            samples[name, label] = float(value)
    return samples


def test_names_with_every_character_are_escaped_in_metrics():
    path = '/p/a "b"\\\n\udcff'
    status = a_status(folders=[FolderStatus(path, "offline", 5, 4, 1, None, None)], last_scan=NOON.isoformat())
    samples = read_metrics("".join(text_metrics(status)))
    label = r"/p/a \"b\"\\\\x0a\\xff"
    assert samples["difwatch_files", label] == 5
    assert samples["difwatch_folder_online", label] == 0
    assert samples["difwatch_queue_files", "working"] == 3
    assert samples["difwatch_last_scan_timestamp_seconds", None] == 1795262400


def test_a_running_daemon_writes_its_metrics_for_others_to_read(place):
    file = place / "difwatch.prom"
    daemon = Daemon(place / "state", place / "pictures", flags=("--metrics-file", str(file)))
    daemon.wait_until_up_to_date()
    photo(1).save(place / "pictures/late.png", compress_level=0)
    daemon.wait_for_match(place / "pictures/late.png")
    assert daemon.end() == 0
    samples = read_metrics(file.read_text())
    assert samples["difwatch_up", None] == 0, "it has ended"
    assert samples["difwatch_pictures", None] == 2, "these are the final figures"
    assert ("difwatch_files", str(place / "pictures")) in samples
    assert file.stat().st_mode & 0o777 == 0o644
    assert [one.name for one in place.iterdir() if "prom" in one.name] == ["difwatch.prom"]


def test_metrics_that_cannot_be_written_are_a_warning(place):
    file = place / "nowhere/difwatch.prom"
    daemon = Daemon(place / "state", place / "pictures", flags=("--metrics-file", str(file)))
    daemon.wait_for(lambda line: "the metrics cannot be written" in line["message"])
    assert daemon.end() == 0


def test_the_report_since_a_moment_has_only_what_is_new_and_a_renamed_picture_is_not(place):
    def report(since):
        done = difwatch(place / "state", "report", "--since", since, "--pairs", "--format", "json")
        pairs = json.loads(done.stdout)["pairs"]
        return {tuple(os.path.basename(one[end]) for end in "ab") for one in pairs}

    def watch():
        difwatch(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")

    watch()
    assert report("1h") == {("a.png", "b.png")}
    with sqlite3.connect(place / "state/difwatch.db") as connection:
        connection.execute("UPDATE file SET seen = '2026-01-01T00:00:00+00:00'")
    connection.close()
    assert report("1h") == set()
    assert "No matches" in difwatch(place / "state", "report", "--since", "1h").stdout
    (place / "pictures/b.png").rename(place / "pictures/renamed.png")
    os.utime(place / "pictures/a.png", (1, 1))
    watch()
    assert report("1h") == set()
    shutil.copy(place / "pictures/c.png", place / "pictures/d.png")
    watch()
    assert report("1h") == {("c.png", "d.png")}
    assert report("2025-01-01") == {("a.png", "renamed.png"), ("c.png", "d.png")}
    photo(1).save(place / "pictures/c.png", compress_level=0)
    watch()
    assert report("1h") == {("a.png", "c.png"), ("c.png", "renamed.png")}


def test_the_store_is_checked_and_copied_beside_a_daemon(place):
    daemon = Daemon(place / "state", place / "pictures")
    daemon.wait_until_up_to_date()
    assert difwatch(place / "state", "db", "check").stdout.count(": sound") == 2
    copy = place / "copy.db"
    difwatch(place / "state", "db", "backup", copy)
    assert daemon.end() == 0
    assert difwatch(place / "state", "db", "backup", copy, check=False).returncode == 2
    (place / "other").mkdir()
    copy.rename(place / "other/difwatch.db")
    assert "1 group" in difwatch(place / "other", "report").stdout
    assert "backups" in difwatch(place / "state", "db", "backup").stdout


def test_a_damaged_store_is_found_by_the_check(place):
    difwatch(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    store = place / "state/difwatch.db"
    data = bytearray(store.read_bytes())
    for at in range(8192, len(data), 8192):
        data[at + 8 : at + 60] = b"x" * 52
    store.write_bytes(data)
    done = difwatch(place / "state", "db", "check", check=False)
    assert (done.returncode, "damaged" in done.stderr) == (5, True)


@pytest.mark.parametrize(("zone", "shown"), [("UTC", "12:00"), ("EST5", "07:00"), ("IST-5:30", "17:30")])
def test_moments_are_told_in_local_time(zone, shown, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert shown_moment("2026-11-21T12:00:30+00:00") == f"2026-11-21 {shown}"
    finally:
        monkeypatch.undo()
        time.tzset()
