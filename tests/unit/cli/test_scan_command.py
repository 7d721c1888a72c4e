"""A search that could not look at everything says so, also by its exit code."""

import json
import os

import pytest

from difwatch.cli.app import cli
from difwatch.errors import IncompleteError
from difwatch.library import build
from difwatch.model.jobs import Postponed, Unreadable
from tests.support.photos import photo

ANSWERS = {
    "crashed": lambda state: Unreadable(state, None, "decoding it ended the worker", given_up=True),
    "postponed": lambda state: Postponed(state.path, "the file cannot be opened: Input/output error"),
    "broken": lambda state: Unreadable(state, None, "the picture is damaged"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_scan_ends_with_an_error_if_files_were_given_up_and_not_if_they_are_broken(kind, tmp_path, monkeypatch):
    read = build.read_files

    def instead(states, *more):
        yield from read(states[1:], *more)
        yield ANSWERS[kind](states[0])

    monkeypatch.setattr(build, "read_files", instead)
    (tmp_path / "pictures").mkdir()
    for number in range(3):
        photo(number).save(tmp_path / f"pictures/{number}.png")
    words = [
        "scan",
        "-D",
        str(tmp_path / "pictures"),
        "--output_directory",
        str(tmp_path / "out"),
        "-proc",
        "1",
        "-p",
        "False",
    ]
    if kind == "broken":
        cli.main(words, standalone_mode=False)
    else:
        with pytest.raises(IncompleteError, match=r"^1 file ended the process"):
            cli.main(words, standalone_mode=False)
    (stats,) = [name for name in os.listdir(tmp_path / "out") if name.endswith("stats.json")]
    assert json.loads((tmp_path / "out" / stats).read_text())["invalid_files"]["count"] == 1
