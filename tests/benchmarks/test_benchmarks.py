"""The benchmarks run, with a few pictures; their figures are for people."""

import subprocess
import sys

import pytest

from tests.support.paths import ROOT
from tests.support.photos import photo


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        photo(number, 300, 200).save(folder / f"{number}.jpg")
    return folder


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("program", "arguments", "figures"),
    [
        ("raising", ["--pictures", "60"], 2),
        slow("main_job", ["--repeat", "2", "--copies", "2"], 4),
        slow("search", ["--smoke"], 14),
        slow("decoding", ["--repeat", "1", "--recipes", "1"], 4),
        slow("labelled", ["--limit", "1", "--papers", "1"], 20),
        slow("peers", ["--counts", "10", "--large", "2", "--small", "10", "--runs", "1", "--alone"], 5),
        slow("large", ["--files", "20", "--idle", "1"], 5),
    ],
)
def test_a_benchmark_prints_its_figures(photos, program, arguments, figures):
    command = [sys.executable, "-m", f"tests.benchmarks.{program}", "--photos", photos, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= figures, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "arguments", "figures"),
    [("crowds", ["--codes", "60", "--noise", "300", "--pages", "20"], 3), ("groups", ["--groups", "50"], 6)],
)
def test_a_benchmark_of_drawn_pictures_prints_its_figures(program, arguments, figures):
    command = [sys.executable, "-m", f"tests.benchmarks.{program}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= figures, done.stdout
