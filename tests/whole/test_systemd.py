"""The units are ones that systemd takes without a word, they are closed well, and what they start is there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from difwatch.control import units as units_module
from difwatch.control.units import quoted, unit, weakness
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


NAMES = ["difwatch.service", "difwatch-rescan.service", "difwatch-rescan.timer"]


@pytest.mark.parametrize("name", NAMES)
def test_systemd_takes_it_without_a_word(units, name):
    done = analyze("verify", "--man=no", units / name)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["difwatch.service", "difwatch-rescan.service"])
def test_its_exposure_is_at_most_one_of_ten(units, name):
    done = analyze("security", "--offline=true", "--threshold=10", units / name)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_units_of_a_user_are_taken_too(units, tmp_path, name):
    (tmp_path / "run").mkdir()
    for each in NAMES:
        text = (SYSTEMD / "user" / each).read_text()
        (tmp_path / "run" / each).write_text(text.replace("/usr/local/bin/difwatch", PROGRAM))
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    done = analyze("verify", "--user", "--man=no", tmp_path / "run" / name, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("program", "word"),
    [
        ("/opt/difwatch/bin/difwatch", "/opt/difwatch/bin/difwatch"),
        ("/home/a b/100%/$x/difwatch", '"/home/a b/100%%/$$x/difwatch"'),
        ('/x/"q"/\\/difwatch', '"/x/\\"q\\"/\\\\/difwatch"'),
    ],
)
def test_the_path_of_a_program_is_written_as_systemd_reads_it(units, tmp_path, program, word):
    assert quoted(program) == word
    text = unit((SYSTEMD / "difwatch.service").read_text(), program)
    assert f"ExecStart={word} watch\n" in text and f"ExecReload={word} reload\n" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of root")
def test_a_program_that_others_than_root_can_change_is_not_started_for_the_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(units_module, "_OF_USERS", ())
    monkeypatch.setattr(units_module.sys, "path", [])
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "difwatch"
    program.write_text("#!/bin/sh\n")
    expected = weakness(program)
    assert expected is None or "may change" in expected, "where the checkout of the tests lies, others may"
    os.chmod(tmp_path / "bin", 0o777)
    assert weakness(program) == f"others than root may change {tmp_path}/bin"
    os.chmod(tmp_path / "bin", 0o1755)
    os.chown(tmp_path / "bin", 4001, 4001)
    assert weakness(program) == f"others than root may change {tmp_path}/bin", "its owner may rename all in it"
    os.chown(tmp_path / "bin", 0, 0)
    os.chown(program, 4001, 4001)
    assert weakness(program) == f"others than root may change {program}"
    monkeypatch.setattr(units_module, "_OF_USERS", (tmp_path,))
    assert "lies in the home of a user" in weakness(program)


def test_what_the_units_start_is_a_command_of_ours():
    for path in SYSTEMD.rglob("*.service"):
        (line,) = re.findall(r"^ExecStart=(.*)$", path.read_text(), re.MULTILINE)
        program, *words = line.split()
        assert program == "/usr/local/bin/difwatch"
        done = subprocess.run([PROGRAM, *words, "--help"], capture_output=True, check=False)
        assert done.returncode == 0


def test_installing_prints_what_it_would_write_and_run(tmp_path):
    (tmp_path / "photos").mkdir()
    shown = difwatch(tmp_path, "service", "install", "--system", "--dry-run", tmp_path / "photos").stdout
    assert f"ExecStart={PROGRAM} watch\n" in shown
    assert "/etc/systemd/system/difwatch-rescan.timer" in shown
    assert "# systemctl enable --now difwatch.service difwatch-rescan.timer" in shown
    assert f'[[folder]]\npath = "{tmp_path}/photos"' in shown
    done = difwatch(tmp_path, "service", "install", "--user", "--dry-run")
    assert "# systemctl --user daemon-reload" in done.stdout
    assert "enable --now" not in done.stdout, "there is nothing to watch yet"
    assert "name your folders in" in done.stderr and "loginctl enable-linger" in done.stderr
    assert "# [[folder]]" in done.stdout
    done = difwatch(tmp_path, "service", "install", check=False)
    assert (done.returncode, "--user or --system" in done.stderr) == (2, True)
