"""Files of which only the first frame is compared: shown as matches, and never acted on without the same bytes."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.support.photos import photo
from tests.support.running import difwatch

SIZE = (60, 40)


def fade(seed):
    """An animation that comes up from black."""
    black = Image.new("RGB", SIZE)
    return [black, Image.blend(black, photo(seed), 0.5), photo(seed)]


def save(path, frames):
    first, *others = (frame.copy() for frame in frames)
    first.save(path, save_all=True, append_images=others, duration=100)


@pytest.fixture
def place(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for seed in range(3):
        save(pictures / f"fade{seed}.gif", fade(seed))
    for seed in (5, 6):
        save(pictures / f"scan{seed}.tif", [photo(4), photo(seed)])
    photo(4).save(pictures / "cover.png")
    difwatch(tmp_path / "state", "watch", "--once", "--quiet-seconds", "0", str(pictures))
    return tmp_path


def test_they_match_and_the_report_says_how_many_frames_they_have(place):
    report = difwatch(place / "state", "report").stdout
    assert "3 frames" in report
    assert "2 frames" in report
    assert "(stays: it has 3 frames, and only the first was compared)" in report
    (fades, scans) = sorted(
        json.loads(difwatch(place / "state", "report", "--format", "json").stdout)["groups"],
        key=lambda group: group["primary"]["path"][-3:],
    )
    assert sorted(image["frames"] for image in (fades["primary"], *fades["members"])) == [3, 3, 3]
    everyone = (scans["primary"], *scans["members"])
    assert sorted(image.get("frames", 1) for image in everyone) == [1, 2, 2]


def test_they_stay_and_it_is_said_why(place):
    done = difwatch(place / "state", "apply", "--dry-run", "--move-to", str(place / "away"))
    assert "0 pictures (0 B) would be moved" in done.stdout
    assert "it has 3 frames, and only the first was compared" in done.stdout
    assert "it has 2 frames, and only the first was compared" in done.stdout


def test_a_copy_of_the_same_bytes_goes(place):
    pictures = place / "pictures"
    shutil.copyfile(pictures / "fade1.gif", pictures / "fade1 (1).gif")
    difwatch(place / "state", "watch", "--once", "--quiet-seconds", "0", str(pictures))
    difwatch(place / "state", "apply", "--move-to", str(place / "away"))
    left = {path.name for path in pictures.iterdir()}
    assert len({"fade1.gif", "fade1 (1).gif"} & left) >= 1
    assert len(left) >= 6
    assert {"fade0.gif", "fade2.gif", "scan5.tif", "scan6.tif", "cover.png"} <= left


def test_their_still_stays_with_them(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (80, 120, 3), dtype=np.uint8))
    save(pictures / "moving.webp", [noise, photo(1, 120, 80)])
    noise.save(pictures / "still.png")
    difwatch(tmp_path / "state", "watch", "--once", "--quiet-seconds", "0", str(pictures))
    difwatch(tmp_path / "state", "apply", "--delete")
    assert {path.name for path in pictures.iterdir()} == {"moving.webp", "still.png"}


def test_explain_says_it(place):
    said = difwatch(place / "state", "explain", *(str(place / "pictures" / f"fade{seed}.gif") for seed in (0, 1)))
    assert "3 frames, of which the first is compared" in said.stdout


def test_a_raw_file_is_unreadable_by_its_name_and_goes_along_with_its_picture(tmp_path):
    pictures = tmp_path / "pictures"
    (pictures / "new").mkdir(parents=True)
    photo(1, 300, 200).save(pictures / "IMG_1.jpg")
    photo(1, 300, 200).save(pictures / "new" / "IMG_1.jpg", quality=60)
    photo(1, 30, 20).save(pictures / "new" / "IMG_1.nef", "TIFF")
    config = tmp_path / "config.toml"
    config.write_text(f'similarity = 50\n[[folder]]\npath = "{pictures}"\nlimit_extensions = false\n')
    state = tmp_path / "state"
    difwatch(state, "--config", str(config), "watch", "--once", "--quiet-seconds", "0")
    assert "a raw file of a camera" in difwatch(state, "unreadable").stdout
    difwatch(state, "--config", str(config), "apply", "--move-to", str(tmp_path / "away"))
    assert {path.name for path in (tmp_path / "away").rglob("*.*")} == {"IMG_1.jpg", "IMG_1.nef"}
    assert (pictures / "IMG_1.jpg").exists()
