"""What a person sees in a terminal: totals instead of a line for each match, and a question before anything goes."""

import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from tests.support.commands import called
from tests.support.photos import photo


@pytest.fixture
def place(tmp_path):
    for folder, copies in (("album", 1), ("album/phone", 2), ("backup", 1)):
        (tmp_path / "pictures" / folder).mkdir(parents=True)
        for number in range(3):
            for copy in range(copies):
                path = tmp_path / "pictures" / folder / f"{number} of {copy}.png"
                photo(number).save(path, compress_level=1 + copy + len(folder) % 5)
    return tmp_path


def in_terminal(place, *words, answer=""):
    """What a terminal shows, and the exit code."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "difwatch", "--state-dir", str(place / "state"), *map(str, words)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    os.write(ours, answer.encode())
    shown = b""
    try:
        while part := os.read(ours, 1 << 16):
            shown += part
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    return process.wait(), shown.decode().replace("\r\n", "\n")


def test_the_first_index_tells_a_total_and_later_matches_one_by_one(place):
    code, shown = in_terminal(place, "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    assert code == 0
    assert re.search(r"; 3 groups: 9 duplicates, [0-9.]+ kB; 'difwatch review' shows them\n", shown)
    assert "match /" not in shown
    photo(0).save(place / "pictures" / "late.png", compress_level=0)
    code, shown = in_terminal(place, "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    assert code == 0
    assert f"match {place}/pictures/late.png" in shown


@pytest.mark.parametrize("answer", ["n\n", "y\n"])
def test_before_pictures_go_a_person_sees_how_many_from_where_and_is_asked(place, answer):
    called(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    code, shown = in_terminal(place, "apply", "--move-to", place / "out", answer=answer)
    assert "9 pictures (" in shown and "would be moved:" in shown
    assert f"  6 from {place}/pictures/album/phone (" in shown
    assert f"  3 from {place}/pictures/backup (" in shown
    assert "Go on? [y/N]" in shown
    if answer == "y\n":
        assert code == 0 and len(os.listdir(place / "out")) == 9
    else:
        assert code == 2 and "nothing was done" in shown and not (place / "out").exists()


def test_with_yes_or_a_plan_nobody_is_asked(place):
    called(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    code, shown = in_terminal(place, "apply", "--yes", "--move-to", place / "out")
    assert code == 0 and "Go on?" not in shown and len(os.listdir(place / "out")) == 9


def test_a_watch_ends_with_its_terminal(place):
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "difwatch",
        "--state-dir",
        str(place / "state"),
        "watch",
        str(place / "pictures"),
    ]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown = b""
    while b"up to date" not in shown:
        shown += os.read(ours, 1 << 16)
    os.close(ours)
    process.send_signal(signal.SIGHUP)  # as the system does to what a terminal that is gone controlled
    assert process.wait(timeout=20) == 0


def test_on_a_terminal_paths_are_short_and_painted_and_elsewhere_whole_and_plain(place, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    called(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    _, shown = in_terminal(place, "report")
    assert f"\x1b[2min {place}/pictures:\x1b[0m\n" in shown
    assert "  album/phone/" in shown and "\x1b[32mduplicate" in shown
    plain = called(place / "state", "report").stdout
    assert "\x1b" not in plain and f"\n  {place}/pictures/album/phone/" in plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in in_terminal(place, "report")[1]
    assert "\x1b[32m" in called(place / "state", "--color", "always", "report").stdout


def test_a_picture_can_be_named_as_the_report_shows_it(place, monkeypatch):
    called(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    monkeypatch.chdir(place)
    one, other = sorted(path.relative_to(place / "pictures") for path in (place / "pictures").rglob("*.png"))[:2]
    said = called(place / "state", "explain", one, other).stdout
    assert f"{place}/pictures/{one}\n" in said and f"{place}/pictures/{other}\n" in said


def test_on_a_terminal_apply_counts_and_the_reasons_are_summed_up(place):
    called(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    code, shown = in_terminal(place, "apply", "--move-to", place / "out", answer="y\n")
    assert code == 0
    assert "\r\x1b[K9 of 9 pictures done, 9 pictures gone" in shown
    assert "moved to" not in shown and "9 pictures (" in shown.rpartition("\r\x1b[K")[2]


def test_with_verbose_apply_names_each_picture_on_a_terminal_too(place):
    called(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    _, shown = in_terminal(place, "-v", "apply", "--move-to", place / "out", answer="y\n")
    assert shown.count("moved to ") == 9


def test_on_a_terminal_undo_counts_and_without_a_daemon_the_store_knows_what_is_back(place):
    called(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    before = called(place / "state", "report").stdout
    called(place / "state", "apply", "--move-to", place / "out", "--yes")
    code, shown = in_terminal(place, "undo", "--all")
    assert code == 0
    assert shown.rpartition("\r\x1b[K")[2] == "9 pictures put back\n"
    assert called(place / "state", "report").stdout == before
    assert (
        "files read: 0"
        in called(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures").stderr
    )


def test_what_cannot_be_put_back_is_named_on_a_terminal(place):
    called(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    called(place / "state", "apply", "--move-to", place / "out", "--yes")
    gone = next(path for path in (place / "out").rglob("*.png"))
    gone.unlink()
    code, shown = in_terminal(place, "undo", "--all")
    assert code == 6
    assert shown.count(": not put back: ") == 1 and "8 pictures put back\n" in shown


def test_undo_removes_the_empty_folders_that_moving_made_and_no_others(place):
    (place / "mine").mkdir()
    called(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    called(place / "state", "apply", "--move-to", place / "mine/new/deep", "--keep-tree", "--yes")
    note = next((place / "mine").rglob("*.png")).parent / "note.txt"
    note.touch()
    called(place / "state", "undo", "--all")
    assert [path for path in (place / "mine").rglob("*") if not path.is_dir()] == [note]
    assert [path for path in (place / "mine").rglob("*") if path.is_dir() and path not in note.parents] == []
    note.unlink()
    called(place / "state", "apply", "--move-to", place / "mine/new/deep", "--keep-tree", "--yes")
    called(place / "state", "undo", "--all")
    assert (place / "mine").is_dir() and list((place / "mine").iterdir()) == []


def test_undo_removes_no_folder_that_somebody_made_anew(place):
    called(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    called(place / "state", "apply", "--move-to", place / "out", "--yes")
    called(place / "state", "undo", "--all")
    assert not (place / "out").exists()
    (place / "keeps the inode").mkdir()
    (place / "out").mkdir(mode=0o750)
    called(place / "state", "apply", "--move-to", place / "out", "--yes")
    called(place / "state", "undo", "--all")
    assert (place / "out").is_dir()


def test_undo_takes_nothing_in_that_is_excluded_by_now(place):
    config = place / "config.toml"
    table = f'quiet_seconds = 0\n[[folder]]\npath = "{place}/pictures"\n'
    config.write_text(table)
    called(place / "state", "--config", config, "watch", "--once")
    called(place / "state", "apply", "--move-to", place / "out", "--yes")
    config.write_text(table + 'exclude = ["backup/"]\n')
    called(place / "state", "--config", config, "watch", "--once")
    said = called(place / "state", "undo", "--all").stdout
    assert said.endswith("9 pictures put back; 'difwatch watch --once' reports them again\n")
    assert "backup" not in called(place / "state", "report").stdout
