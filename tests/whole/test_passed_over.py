"""Pictures and videos that are not read because of their extension are counted, and it is said."""

import json

import pytest

from tests.support.photos import photo
from tests.support.running import difwatch

SAID = "not looked at: 3 .mov, 1 .nef, 1 .svg"


@pytest.fixture
def place(tmp_path):
    pictures = tmp_path / "pictures"
    (pictures / "deep" / ".thumbnails").mkdir(parents=True)
    photo(1).save(pictures / "a.jpg")
    for name in ("a.MOV", "b.mov", "deep/c.Mov", "deep/d.nef", "e.svg", "notes.txt", "f.jpg.xmp", "g.mov.part"):
        (pictures / name).write_bytes(b"x")
    (pictures / "deep" / ".thumbnails" / "h.mov").write_bytes(b"x")
    return tmp_path


def watch(place):
    command = ("watch", "--once", "--quiet-seconds", "0", str(place / "pictures"))
    return difwatch(place / "state", *command).stderr


def test_it_is_said_at_the_end_of_the_first_walk_and_again_when_it_changed(place):
    assert f"{place}/pictures: {SAID}\n" in watch(place)
    assert "not looked at" not in watch(place)
    (place / "pictures" / "i.mp4").write_bytes(b"x")
    assert "not looked at: 3 .mov, 1 .mp4, 1 .nef, 1 .svg" in watch(place)


def test_status_says_it(place):
    watch(place)
    assert f"\n    {SAID}\n" in difwatch(place / "state", "status", check=False).stdout
    (folder,) = json.loads(difwatch(place / "state", "status", "--json", check=False).stdout)["folders"]
    assert folder["passed_over"] == {".mov": 3, ".nef": 1, ".svg": 1}


def test_nothing_is_said_where_every_file_is_tried(place):
    config = place / "config.toml"
    config.write_text(f'[[folder]]\npath = "{place}/pictures"\nlimit_extensions = false\n')
    assert "not looked at" not in difwatch(place / "state", "--config", str(config), "watch", "--once").stderr
