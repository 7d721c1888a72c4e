"""What commands write where a person says."""

import json
import os

import pytest

from difwatch.cli.files import write_whole
from difwatch.written import replace_file
from tests.support.photos import photo
from tests.support.running import difwatch


@pytest.fixture
def place(tmp_path):
    (tmp_path / "pictures").mkdir()
    for name, quality in (("a", 95), ("b", 90)):
        photo(1).save(tmp_path / f"pictures/{name}.jpg", quality=quality)
    (tmp_path / "pictures/broken.jpg").write_bytes(b"\xff\xd8 no picture")
    difwatch(tmp_path / "state", "watch", "--once", "--quiet-seconds", "0", tmp_path / "pictures")
    return tmp_path


@pytest.mark.parametrize("name", ["pictures/a.jpg", "pictures/new.PNG", "film.mp4", "raw.nef"])
def test_a_report_or_metrics_never_take_the_name_of_a_picture(place, name):
    before = {path: path.read_bytes() for path in place.rglob("*.jpg")}
    for words in (("report", "-o", place / name), ("watch", "--once", "--metrics-file", place / name)):
        done = difwatch(place / "state", *words, check=False)
        assert (done.returncode, "the name of a picture or a video" in done.stderr) == (2, True)
    assert {path: path.read_bytes() for path in place.rglob("*.jpg")} == before
    assert not (place / name).exists() or name.endswith("a.jpg")


def test_a_report_replaces_an_earlier_one_as_a_whole(place):
    out = place / "report.txt"
    out.write_text("earlier")

    def failing():
        yield "half"
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError):
        write_whole("--output", out, failing())
    assert out.read_text() == "earlier"
    difwatch(place / "state", "report", "-o", out)
    assert out.read_text() == difwatch(place / "state", "report").stdout
    assert sorted(os.listdir(place)) == ["pictures", "report.txt", "state"], "nothing is left beside it"


def test_a_report_follows_a_link_and_writes_into_a_stream(place):
    (place / "real.txt").touch()
    (place / "link.txt").symlink_to(place / "real.txt")
    difwatch(place / "state", "report", "-o", place / "link.txt")
    assert (place / "link.txt").is_symlink()
    assert (place / "real.txt").read_text() == difwatch(place / "state", "report", "-o", "/dev/stdout").stdout


def test_facts_are_printed_as_json(place):
    def told(*words):
        return json.loads(difwatch(place / "state", *words).stdout)

    a, b = place / "pictures/a.jpg", place / "pictures/b.jpg"
    (row,) = told("unreadable", "--json")["unreadable"]
    assert row["path"] == str(place / "pictures/broken.jpg") and "not those of any image format" in row["reason"]
    explained = told("explain", "--json", a, b)
    assert (explained["a"]["path"], explained["b"]["path"]) == (str(a), str(b))
    assert [view["mirrored"] for view in explained["views"]] == [False, True]
    assert explained["verdict"][0].startswith("match: similar")
    verified = told("verify", "--json")
    assert (verified["pairs"], verified["missing"], verified["wrong"]) == (1, 0, 0)
    difwatch(place / "state", "ignore", a, b)
    (pair,) = told("ignore", "--list", "--json")["ignored"]
    assert {file["path"] for side in ("a", "b") for file in pair[side]["files"]} == {str(a), str(b)}


def test_where_there_is_nothing_to_find_no_recall_is_claimed(tmp_path):
    (tmp_path / "pictures").mkdir()
    photo(1).save(tmp_path / "pictures/a.jpg")
    difwatch(tmp_path / "state", "watch", "--once", "--quiet-seconds", "0", tmp_path / "pictures")
    assert "recall" not in difwatch(tmp_path / "state", "verify").stdout


def test_a_report_keeps_the_rights_of_the_file_that_it_replaces(place):
    out = place / "report.txt"
    out.touch(mode=0o640)
    out.chmod(0o640)
    difwatch(place / "state", "report", "-o", out)
    assert out.stat().st_mode & 0o777 == 0o640


def test_a_link_to_a_picture_is_no_place_for_a_report_nor_is_one_planted_beside_it(place, monkeypatch):
    picture = place / "pictures/a.jpg"
    before = picture.read_bytes()
    (place / "out.txt").symlink_to(picture)
    assert difwatch(place / "state", "report", "-o", place / "out.txt", check=False).returncode == 2
    monkeypatch.setattr(os, "getpid", lambda: 4711)
    (place / ".r.txt.4711.part").symlink_to(picture)
    write_whole("--output", place / "r.txt", ["text"])
    assert (place / "r.txt").read_text() == "text" and not (place / "r.txt").is_symlink()
    replace_file(place / "m.prom", ["figures"], 0o644)
    (place / ".m.prom.4711.part").symlink_to(picture)
    replace_file(place / "m.prom", ["more"], 0o644)
    assert ((place / "m.prom").read_text(), (place / "m.prom").stat().st_mode & 0o777) == ("more", 0o644)
    assert picture.read_bytes() == before
