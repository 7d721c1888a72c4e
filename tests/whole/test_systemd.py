"""The units are ones that systemd takes without a word, they are closed well, and what they start is there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.running import difwatch

SYSTEMD = ROOT / "systemd"
PROGRAM = str(Path(sys.executable).with_name("difwatch"))


@pytest.fixture
def units(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for path in SYSTEMD.glob("difwatch*.*"):
        if path.is_file():
            (tmp_path / path.name).write_text(path.read_text().replace("/usr/local/bin/difwatch", PROGRAM))
    return tmp_path


def analyze(*words, **named):
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False, **named)


@pytest.mark.parametrize("name", ["difwatch.service", "difwatch-rescan.service", "difwatch-rescan.timer"])
def test_systemd_takes_it_without_a_word(units, name):
    done = analyze("verify", "--man=no", units / name)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["difwatch.service", "difwatch-rescan.service"])
def test_its_exposure_is_at_most_one_of_ten(units, name):
    done = analyze("security", "--offline=true", "--threshold=10", units / name)
    assert done.returncode == 0, done.stdout


def test_the_unit_of_a_user_is_taken_too(units, tmp_path):
    (tmp_path / "run").mkdir()
    text = (SYSTEMD / "user/difwatch.service").read_text()
    (tmp_path / "run/difwatch.service").write_text(text.replace("/usr/local/bin/difwatch", PROGRAM))
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    done = analyze("verify", "--user", "--man=no", tmp_path / "run/difwatch.service", env=environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_units_start_is_a_command_of_ours():
    for path in SYSTEMD.rglob("*.service"):
        (line,) = re.findall(r"^ExecStart=(.*)$", path.read_text(), re.MULTILINE)
        program, *words = line.split()
        assert program == "/usr/local/bin/difwatch"
        done = subprocess.run([PROGRAM, *words, "--help"], capture_output=True, check=False)
        assert done.returncode == 0


def test_installing_prints_what_it_would_write_and_run(tmp_path):
    shown = difwatch(tmp_path, "service", "install", "--system", "--dry-run").stdout
    assert f"ExecStart={PROGRAM} watch\n" in shown
    assert "/etc/systemd/system/difwatch-rescan.timer" in shown
    assert "# systemctl enable --now difwatch.service difwatch-rescan.timer" in shown
    shown = difwatch(tmp_path, "service", "install", "--user", "--dry-run").stdout
    assert "# systemctl --user enable --now difwatch.service" in shown
    done = difwatch(tmp_path, "service", "install", check=False)
    assert (done.returncode, "--user or --system" in done.stderr) == (2, True)
