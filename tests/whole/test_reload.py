"""Another configuration while work goes on: nothing asked under the old one is kept under the new one."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from difwatch.imaging.recipe import make
from difwatch.store import contents, open_reader, reading, settings
from tests.support.photos import photo
from tests.support.running import Daemon, difwatch


@pytest.fixture
def place(tmp_path):
    """Two folders with one picture under many digests: it takes seconds to read them, and a match is told before."""
    photo(1, 3000, 2000).save(tmp_path / "one.jpg")
    data = (tmp_path / "one.jpg").read_bytes()
    for number in range(60):
        folder = tmp_path / "ab"[number // 30]
        folder.mkdir(exist_ok=True)
        (folder / f"{number:02}.jpg").write_bytes(data + b"%d" % number)
    return tmp_path


def configured(place, folders, more=""):
    text = "".join(f'[[folder]]\npath = "{place / folder}"\n' for folder in folders)
    (place / "config.toml").write_text(f"quiet_seconds = 0.0\nprocesses = 1\n{more}\n{text}")
    return place / "config.toml"


@pytest.mark.parametrize(
    ("more", "folders", "px", "recipe"),
    [
        pytest.param("px_size = 60", "ab", 60, "fast", marks=pytest.mark.slow),
        ('recipe = "exact"', "ab", 50, "exact"),
        pytest.param("", "a", 50, "fast", marks=pytest.mark.slow),
    ],
)
def test_a_reload_while_pictures_are_read_leaves_only_tensors_of_the_new_configuration(
    place, more, folders, px, recipe
):
    daemon = Daemon(place / "state", config=configured(place, "ba"), quiet=0.0)
    daemon.wait_for(lambda line: line["event"] == "match")
    configured(place, folders, more)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda line: line["event"] == "reloaded")
    daemon.wait_until_up_to_date()
    assert daemon.end() == 0
    with reading(open_reader(place / "state/difwatch.db")) as connection:
        in_force = settings.get_in_force(connection)
        ids, _ = contents.sketches(connection, in_force.recipe_id)
        (stored,) = contents.StorePixels(connection).tensors(ids)
    assert in_force.recipe == recipe
    assert stored.tobytes() == make((place / "one.jpg").read_bytes(), px, recipe).tensor.tobytes()


@pytest.mark.slow  # tests/unit/service/test_background.py says the same of a daemon in the process
def test_a_full_search_goes_on_over_a_reload_and_over_deletions(tmp_path):
    (tmp_path / "a").mkdir()
    for number in range(40):
        photo(number, 60, 50).save(tmp_path / "a" / f"{number:02}.png")
    daemon = Daemon(tmp_path / "state", config=configured(tmp_path, "a"), quiet=0.0)
    daemon.wait_until_up_to_date()
    command = [sys.executable, "-m", "difwatch", "--state-dir", str(tmp_path / "state"), "rescan"]
    command += ["--nmse", "4", "--chunksize", "1", "--algorithm", "chunked"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as search:
        daemon.wait_for(lambda line: "full search: begun" in line["message"])
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda line: line["event"] == "reloaded")
        for number in range(30, 40):
            (tmp_path / "a" / f"{number:02}.png").unlink()
        near = np.asarray(Image.open(tmp_path / "a/05.png")).astype(np.int16)
        Image.fromarray(np.clip(near + 22, 0, 255).astype(np.uint8)).save(tmp_path / "a/near.png")
        out, errors = search.communicate()
        assert search.returncode == 0, errors
    assert "up to an NMSE of 4" in out
    daemon.wait_for(lambda line: "full search: " in line["message"] and "pairs" in line["message"])
    verified = difwatch(tmp_path / "state", "verify")
    assert "0 missing, 0 wrong" in verified.stdout
    assert daemon.end() == 0


def test_ctrl_c_is_not_for_the_workers(tmp_path):
    (tmp_path / "a").mkdir()
    daemon = Daemon(tmp_path / "state", tmp_path / "a")
    groups = {os.getpgid(worker) for worker in daemon.workers()}
    assert groups.isdisjoint({os.getpgid(daemon.process.pid)}), "a terminal signals a group"
    daemon.wait_until_up_to_date()
    assert daemon.end(signal.SIGINT) == 0
