"""The short form of ``tests/faults/raising.py``."""

import subprocess
import sys

import pytest

from tests.support.paths import CORPUS, ROOT


@pytest.mark.slow  # tests/unit/service/test_background.py says the same of a daemon in the process
@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"the corpus of real pictures is not at {CORPUS}")
@pytest.mark.parametrize(("kills", "pictures"), [(3, 300), pytest.param(10, 600, marks=pytest.mark.timeout(600))])
def test_a_daemon_that_raises_its_reach_ends_exactly_however_often_it_is_killed(kills, pictures):
    command = [sys.executable, "-m", "tests.faults.raising", "--kills", str(kills), "--pictures", str(pictures)]
    done = subprocess.run([*command, "--block", "20"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "missing 0, wrong 0" in done.stdout
    assert f"{kills} kills, begun anew 0 times" in done.stdout
