"""The unit is one that systemd takes without a word, and it is closed well."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parent.parent / "systemd" / "difwatch.service"


@pytest.fixture
def unit(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    command = Path(sys.executable).with_name("difwatch")
    text = UNIT.read_text()
    assert "ExecStart=/usr/local/bin/difwatch watch\n" in text
    target = tmp_path / UNIT.name
    target.write_text(text.replace("/usr/local/bin/difwatch", str(command)))
    return target


def test_systemd_takes_it_without_a_word(unit):
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_its_exposure_is_at_most_one_of_ten(unit):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=10", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
