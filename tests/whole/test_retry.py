"""Files without a tensor: their copies, and reading them again when asked to."""

import json
import shutil

import pytest

from tests.support.photos import photo
from tests.support.running import Daemon, difwatch


@pytest.fixture
def place(tmp_path):
    (tmp_path / "pictures").mkdir()
    photo(1, 60, 40).save(tmp_path / "pictures/small.png")
    photo(2, 400, 300).save(tmp_path / "pictures/large.png")
    shutil.copy(tmp_path / "pictures/large.png", tmp_path / "pictures/large_too.png")
    (tmp_path / "pictures/broken.png").write_bytes(b"no picture")
    config(tmp_path, 10_000)
    return tmp_path


def config(place, max_pixels):
    (place / "config.toml").write_text(
        f'max_pixels = {max_pixels}\nquiet_seconds = 0.1\n[[folder]]\npath = "{place}/pictures"\n'
    )


def once(place):
    difwatch(place / "state", "--config", place / "config.toml", "watch", "--once")


def unreadable(place):
    text = difwatch(place / "state", "unreadable", "--print0").stdout
    return sorted(path.rpartition("/")[2] for path in text.split("\0") if path)


def test_after_a_larger_limit_they_are_read_again_when_asked_to(place):
    once(place)
    assert unreadable(place) == ["broken.png", "large.png", "large_too.png"]
    assert "more than the limit of 10000" in difwatch(place / "state", "unreadable").stdout
    config(place, 10**6)
    once(place)
    assert len(unreadable(place)) == 3, "not by itself"
    done = difwatch(place / "state", "retry", place / "pictures/large.png")
    assert "2 files will be read again at the next start" in done.stdout, "the copy as well"
    once(place)
    assert unreadable(place) == ["broken.png"]
    assert "1 file will be read again" in difwatch(place / "state", "retry", "--all").stdout
    once(place)
    assert unreadable(place) == ["broken.png"]


def test_a_running_daemon_reads_them_again_at_once(place):
    once(place)
    config(place, 10**6)
    daemon = Daemon(place / "state", quiet=0.1, config=place / "config.toml")
    daemon.wait_until_up_to_date()
    assert "3 files will be read again now" in difwatch(place / "state", "retry", "--all").stdout
    line = daemon.wait_for(lambda line: line["event"] == "match")
    assert {line["new"], line["old"]} == {str(place / f"pictures/{name}.png") for name in ("large", "large_too")}
    assert daemon.end() == 0


@pytest.mark.parametrize("arguments", [(), ("--all", "x.png"), ("small.png",)])
def test_what_cannot_be_tried_again_is_said(place, arguments):
    once(place)
    arguments = [str(place / "pictures" / one) if one == "small.png" else one for one in arguments]
    assert difwatch(place / "state", "retry", *arguments, check=False).returncode == 2


def test_the_recipe_fast_makes_its_own_tensors_and_they_never_meet_the_others(place):
    photo(5, 1600, 1200).save(place / "pictures/a.jpg", quality=95)
    photo(5, 1600, 1200).save(place / "pictures/b.jpg", quality=60)
    config(place, 10**8)
    once(place)
    fast = json.loads(difwatch(place / "state", "report", "--pairs", "--format", "json").stdout)["pairs"]
    text = (place / "config.toml").read_text()
    (place / "config.toml").write_text('recipe = "exact"\n' + text)
    once(place)
    exact = json.loads(difwatch(place / "state", "report", "--pairs", "--format", "json").stdout)["pairs"]
    names = [{one["a"], one["b"]} for one in fast]
    assert [{one["a"], one["b"]} for one in exact] == names
    assert [one["sse"] for one in fast] != [one["sse"] for one in exact]
    status = json.loads(difwatch(place / "state", "status", "--json", check=False).stdout)
    assert status["index_size"] == 4
    moved = difwatch(place / "state", "apply", "--move-to", place / "out").stdout
    assert "b.jpg" in moved, "checked by the same recipe"
