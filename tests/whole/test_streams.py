"""Standard streams that are closed, take no more, or have another encoding: the work is done all the same."""

import os
import subprocess
import sys

import pytest

from tests.support.photos import photo
from tests.support.running import difwatch

NAME = "\u00fcber \u65e5.png"


@pytest.fixture
def place(tmp_path):
    (tmp_path / "pictures").mkdir()
    for number in range(3):
        photo(number).save(tmp_path / f"pictures/{number}.png", compress_level=9)
        photo(number).save(tmp_path / f"pictures/{number} {NAME}", compress_level=1)
    return tmp_path


def run(place, words, redirection="", **environment):
    line = f'exec "$0" -m difwatch --state-dir "{place}/state" {words} {redirection}'
    given = {**os.environ, "DIFWATCH_PROCESSES": "1", **environment}
    return subprocess.run(["bash", "-c", line, sys.executable], capture_output=True, check=False, env=given)


CLOSED = ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"]


@pytest.mark.parametrize("closed", CLOSED)
def test_pictures_are_read_also_with_closed_streams(place, closed):
    done = run(place, f'watch --once --quiet-seconds 0 "{place}/pictures"', closed)
    assert done.returncode == 0, done.stderr
    assert difwatch(place / "state", "report").stdout.startswith("3 groups")


@pytest.mark.parametrize("closed", CLOSED)
def test_the_library_works_with_closed_streams(place, closed):
    code = (
        "import difwatch, sys\n"
        f"found = difwatch.search(difwatch.build({str(place / 'pictures')!r}, processes=2, show_progress=False))\n"
        f"open({str(place / 'found')!r}, 'w').write(str(len(found.result)))\n"
    )
    line = f'exec "$0" -c "$1" {closed}'
    subprocess.run(["bash", "-c", line, sys.executable, code], capture_output=True, check=True)
    assert (place / "found").read_text() == "3"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_acts_are_done_to_the_end_in_any_encoding(place, encoding):
    difwatch(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    done = run(place, f'apply --move-to "{place}/out"', PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert b"3 pictures" in done.stdout and b"undo" in done.stdout
    assert len(os.listdir(place / "out")) == 3
    assert run(place, "moves", PYTHONIOENCODING=encoding).returncode == 0
    assert run(place, "undo --all", PYTHONIOENCODING=encoding).returncode == 0
    assert len(os.listdir(place / "pictures")) == 6


def test_acts_are_done_to_the_end_when_the_output_takes_no_more(place):
    difwatch(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    done = run(place, f'apply --move-to "{place}/out"', "> /dev/full")
    assert (done.returncode, b"the output cannot be written" in done.stderr) == (3, True)
    assert len(os.listdir(place / "out")) == 3
    assert run(place, "undo --all", "> /dev/full").returncode == 3
    assert len(os.listdir(place / "pictures")) == 6


def test_what_is_for_programs_is_utf_8_whatever_the_terminal_has(place):
    difwatch(place / "state", "watch", "--once", "--quiet-seconds", "0", place / "pictures")
    for kind in ("csv", "html"):
        done = run(place, f"report --format {kind}", PYTHONIOENCODING="ascii")
        assert done.returncode == 0, done.stderr
        assert NAME in done.stdout.decode()
