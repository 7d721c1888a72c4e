"""The benchmarks run, with a few pictures; their figures are for people."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.photos import photo

BENCHMARKS = Path(__file__).parent


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        photo(number, 300, 200).save(folder / f"{number}.jpg")
    return folder


@pytest.mark.parametrize(
    ("program", "arguments", "figures"),
    [("search.py", ["--smoke"], 14), ("main_job.py", ["--repeat", "2", "--copies", "2"], 4)],
)
def test_a_benchmark_prints_a_table_of_figures(photos, program, arguments, figures):
    command = [sys.executable, BENCHMARKS / program, "--photos", photos, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= figures, done.stdout
