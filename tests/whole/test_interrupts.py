"""Ctrl-C and SIGTERM: the act in hand is finished, and what is said was done."""

import json
import re
import shutil
import signal
import subprocess
import sys

import pytest

from tests.support.commands import called, index
from tests.support.photos import photo

COUNT = 60


@pytest.fixture
def place(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(COUNT):
        photo(number, 40, 30).save(pictures / f"{number:02d}.png")
        shutil.copyfile(pictures / f"{number:02d}.png", pictures / f"{number:02d} copy.png")
    index(tmp_path / "state", pictures)
    return tmp_path


def interrupted(place, number, *arguments):
    """What a command said that got a signal once it had printed its first line."""
    command = [sys.executable, "-m", "difwatch", "--state-dir", str(place / "state"), *map(str, arguments)]
    # Unbuffered: what would be read ahead of the first line is not seen by communicate.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None and process.stderr is not None
        first = process.stdout.readline()
        process.send_signal(number)
        said, errors = process.communicate()
    return process.returncode, (first + said).decode(), errors.decode()


def moved(place):
    return [
        one
        for one in json.loads(called(place / "state", "moves", "--json").stdout)["moves"]
        if one["state"] == "done"
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_apply_says_how_many_were_moved_and_how_they_come_back(place, number):
    code, said, errors = interrupted(place, number, "apply", "--move-to", place / "out")
    done = len(list((place / "out").iterdir()))
    assert (code, len(moved(place)), said.count("moved to")) == (130, done, done)
    found = re.fullmatch(rf"difwatch: stopped: (\d+) of {COUNT} moved; 'difwatch (undo .*)' puts .* back\n", errors)
    assert found is not None and int(found[1]) == done < COUNT
    called(place / "state", *found[2].split())
    assert not (place / "out").exists()
    assert len(list((place / "pictures").iterdir())) == 2 * COUNT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_undo_says_how_many_are_back_and_goes_on(place, number):
    called(place / "state", "apply", "--move-to", place / "out")
    code, said, errors = interrupted(place, number, "undo", "--all")
    back = COUNT - len(list((place / "out").iterdir()))
    assert (code, said.count(": put back")) == (130, back)
    assert errors == f"difwatch: stopped: {back} of {COUNT} put back; the same command goes on\n"
    rest = called(place / "state", "undo", "--all").stdout
    count = COUNT - back
    total = f"{count} picture{'' if count == 1 else 's'} put back"
    assert rest.splitlines()[-1] == total, "and the store knows them again"
    assert len(list((place / "pictures").iterdir())) == 2 * COUNT


def test_status_that_is_shown_again_ends_without_a_word(place):
    code, said, errors = interrupted(place, signal.SIGINT, "status", "--watch")
    assert (code, errors) == (0, "")
    assert said.startswith("difwatch is not running")


def test_a_question_that_is_answered_with_no_is_no_interrupt(place):
    done = called(place / "state", "apply", "--permanent", check=False)
    assert done.returncode == 2
    assert done.stderr.endswith("difwatch: nothing was done: the question was not answered with yes\n")
    assert len(list((place / "pictures").iterdir())) == 2 * COUNT
