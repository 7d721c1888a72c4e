"""Which one is kept, and which ones stay: originals before their versions, and other shots beside each other."""

import json
import os
import shutil

import pytest
from PIL import Image

from tests.support.commands import called
from tests.support.photos import exif_of, photo
from tests.support.running import difwatch


@pytest.fixture
def place(tmp_path):
    (tmp_path / "pictures").mkdir()
    return tmp_path


def once(place, *arguments):
    folders = arguments or (place / "pictures",)
    difwatch(place / "state", "watch", "--once", "--quiet-seconds", "0", *folders)


def groups(place, *flags):
    said = called(place / "state", "report", "--format", "json", *flags).stdout
    found = json.loads(said)

    def names(group):
        return [os.path.basename(one["path"]) for one in (group["primary"], *group["members"])]

    return [names(group) for group in found["groups"]], [names(group) for group in found["edited"]]


def left(place):
    return sorted(path.name for path in place.rglob("*") if path.is_file())


@pytest.mark.parametrize("count", [12, pytest.param(60, marks=pytest.mark.slow)])
def test_every_original_is_kept_against_its_versions(place, count):
    pictures = place / "pictures"
    for number in range(count):
        image, name = photo(number, 300, 200), f"{number:02d}"
        moment = f"2024:05:{1 + number % 28:02d} 12:{number // 28:02d}:07"
        image.save(pictures / f"{name}.jpg", quality=85, exif=exif_of(moment))
        image.save(pictures / f"{name}-a larger file.jpg", quality=99)
        image.save(pictures / f"{name}-png.png")
        image.rotate(90, expand=True).save(pictures / f"{name}-turned.jpg", quality=98)
        image.resize((150, 100)).save(pictures / f"{name}-small.jpg", exif=exif_of(moment))
    once(place)
    copies, edited = groups(place)
    assert sorted(group[0] for group in copies) == [f"{number:02d}.jpg" for number in range(count)]
    assert all(len(group) == 5 for group in copies) and edited == []


def test_the_pictures_of_a_burst_stay_and_are_marked_and_their_copies_go(place):
    pictures = place / "pictures"
    for number in range(4):
        image = photo(1, 300, 200)
        image.putpixel((number, 0), (0, 0, 0))
        exif = exif_of("2024:05:01 12:30:07", f"{number}5")
        image.save(pictures / f"shot{number}.jpg", quality=90, exif=exif)
        image.resize((150, 100)).save(pictures / f"shot{number}-messenger.jpg", quality=70, exif=exif)
    once(place)
    copies, edited = groups(place)
    assert sorted(copies) == [[f"shot{number}.jpg", f"shot{number}-messenger.jpg"] for number in range(4)]
    (shots,) = edited
    assert sorted(shots) == [f"shot{number}.jpg" for number in range(4)]
    text = called(place / "state", "report").stdout
    assert "3 other shots (taken at another moment; they stay unless act_on_shots says so)" in text
    assert ", another shot\n" in text
    pairs = json.loads(called(place / "state", "report", "--pairs", "--format", "json").stdout)["pairs"]
    different = {pair["shots"] for pair in pairs if pair["a"].split("shot")[1][0] != pair["b"].split("shot")[1][0]}
    same = {pair["shots"] for pair in pairs if pair["a"].split("shot")[1][0] == pair["b"].split("shot")[1][0]}
    assert (different, same) == ({True}, {False})
    called(place / "state", "apply", "--move-to", place / "out")
    assert left(place / "out") == [f"shot{number}-messenger.jpg" for number in range(4)]
    assert left(pictures) == [f"shot{number}.jpg" for number in range(4)]


def test_a_better_picture_without_a_time_takes_the_copies_of_one_moment_only(place):
    pictures = place / "pictures"
    for number in range(3):
        image = photo(1, 300, 200)
        image.putpixel((number, 0), (0, 0, 0))
        image.save(pictures / f"shot{number}.jpg", quality=90, exif=exif_of(f"2024:05:01 12:30:0{number}"))
    photo(1, 300, 200).resize((600, 400)).save(pictures / "upscaled.jpg")
    once(place)
    called(place / "state", "apply", "--move-to", place / "out")
    assert len(left(place / "out")) == 1
    assert len(left(pictures)) == 3 and "upscaled.jpg" in left(pictures)


def test_other_shots_go_if_that_is_configured(place):
    for number in range(3):
        image = photo(1, 300, 200)
        image.putpixel((number, 0), (0, 0, 0))
        image.save(place / f"pictures/{number}.jpg", quality=90, exif=exif_of(f"2024:05:01 12:30:0{number}"))
    once(place)
    assert groups(place)[0] == []
    (place / "config.toml").write_text("act_on_shots = true\n")
    called(place / "state", "--config", place / "config.toml", "apply", "--move-to", place / "out")
    assert len(left(place / "out")) == 2


def test_edited_versions_stay_until_they_are_asked_for(place):
    image = photo(3, 300, 200)
    image.save(place / "pictures/a.png")
    image.point([min(255, level + 40) for level in range(256)] * 3).resize((200, 133)).save(place / "pictures/b.png")
    image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((150, 100)).save(place / "pictures/mirrored.png")
    once(place)
    assert groups(place) == ([], [["a.png", "b.png", "mirrored.png"]])
    assert groups(place, "--no-mirror") == ([], [["a.png", "b.png"]])
    called(place / "state", "apply", "--move-to", place / "out")
    assert left(place / "pictures") == ["a.png", "b.png", "mirrored.png"]
    shown = called(place / "state", "apply", "--act-on", "edited", "--no-mirror", "--dry-run", "--delete").stdout
    assert "b.png" in shown and "mirrored.png" not in shown
    called(place / "state", "apply", "--act-on", "edited", "--move-to", place / "out")
    assert left(place / "pictures") == ["a.png"]
    called(place / "state", "undo", "--all")
    assert left(place / "pictures") == ["a.png", "b.png", "mirrored.png"]


def test_identical_files_only_go_if_nothing_else_is_asked_for(place):
    photo(1, 300, 200).save(place / "pictures/a.png")
    photo(1, 300, 200).save(place / "pictures/b.png", compress_level=1)
    shutil.copy(place / "pictures/b.png", place / "pictures/c.png")
    once(place)
    called(place / "state", "apply", "--act-on", "identical", "--move-to", place / "out")
    assert left(place / "out") in (["b.png"], ["c.png"])
    called(place / "state", "apply", "--act-on", "duplicate", "--move-to", place / "out")
    assert len(left(place / "pictures")) == 1


def test_only_what_is_in_a_folder_goes_and_what_is_in_another_is_kept(place):
    for folder in ("phone", "archive"):
        (place / "pictures" / folder).mkdir()
    photo(1, 300, 200).save(place / "pictures/phone/large.png")
    photo(1, 200, 133).save(place / "pictures/archive/small.png")
    photo(2, 200, 133).save(place / "pictures/phone/lesser.png")
    photo(2, 300, 200).save(place / "pictures/archive/better.png")
    once(place)
    wanted = ("apply", "--move-to", place / "out", "--dry-run")
    assert "1 picture " in called(place / "state", *wanted, "--from", place / "pictures/phone").stdout
    kept = called(place / "state", *wanted, "--keep-in", place / "pictures/archive").stdout
    assert "large.png" in kept and "lesser.png" in kept and "2 pictures" in kept
    done = called(place / "state", *wanted, "--from", "/nowhere", check=False)
    assert (done.returncode, "--from /nowhere: is no watched folder" in done.stderr) == (2, True)


def test_pictures_of_a_folder_that_is_given_as_a_reference_are_the_ones_to_keep(place):
    (place / "archive").mkdir()
    photo(1, 300, 200).save(place / "pictures/large.png")
    photo(1, 200, 133).save(place / "archive/small.png")
    once(place, place / "pictures", "--reference", place / "archive")
    assert groups(place)[0] == [["small.png", "large.png"]]


def test_the_folder_that_is_configured_first_is_better_if_that_is_the_rule(place):
    for folder in ("first", "second"):
        (place / folder).mkdir()
    photo(1, 200, 133).save(place / "second/b.png")
    photo(1, 300, 200).save(place / "first/a.png")
    for order in (("first", "second"), ("second", "first")):
        tables = "".join(f'[[folder]]\npath = "{place / name}"\n' for name in order)
        (place / "config.toml").write_text(f'keep = ["folder"]\n{tables}')
        difwatch(place / "state", "--config", place / "config.toml", "watch", "--once", "--quiet-seconds", "0")
        ((best, _),) = groups(place)[0]
        assert best == {"first": "a.png", "second": "b.png"}[order[0]]
