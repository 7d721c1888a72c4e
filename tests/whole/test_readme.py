"""The README is true: its commands run and print what it says, its configuration loads, its names exist."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from difwatch import cli, config
from difwatch.model.settings import Settings
from tests.support.paths import ROOT
from tests.support.photos import photo

README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def prepare(home: Path) -> None:
    """The folders that the tour begins with."""
    (home / "Pictures").mkdir()
    (home / "Downloads").mkdir()
    lake, forest = photo(11, 1200, 800), photo(12, 1200, 800)
    lake.save(home / "Pictures" / "lake.jpg", quality=92)
    forest.save(home / "Pictures" / "forest.jpg", quality=92)
    lake.rotate(90, expand=True).save(home / "Downloads" / "IMG-20261121-WA0001.jpg", quality=70)


def run(command: str, home: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-c", f"{command} 2>&1"], cwd=home, env=environment, text=True, capture_output=True, check=False
    )
    out = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "2026-11-21 12:00:00", done.stdout)
    return out.replace(str(home), "/home/you")


def test_the_tour_prints_what_it_says(tmp_path):
    prepare(tmp_path)
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            assert run(command, tmp_path) == expected, command


def test_the_python_of_the_readme_runs(tmp_path):
    prepare(tmp_path)
    (tmp_path / "Downloads/IMG-20261121-WA0001.jpg").rename(tmp_path / "Pictures/again.jpg")
    (block,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, env=os.environ, text=True, capture_output=True, check=True
    )
    assert done.stdout.startswith("1 1\nPictures/again.jpg Pictures/lake.jpg 0.35")


def test_the_configuration_is_complete_and_holds_the_defaults(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "Pictures").mkdir()
    (block,) = blocks("toml")
    file = tmp_path / "config.toml"
    file.write_text(block)
    loaded = config.load(file, {})
    assert loaded.settings() == Settings()
    named = set(re.findall(r"^#? ?(\w+) = ", block, re.MULTILINE))
    assert named == (set(config.Config.model_fields) | set(config.FolderConfig.model_fields)) - {"folder"}


def test_the_commands_of_the_readme_are_those_of_the_program():
    table = README[README.index("## Commands") : README.index("## As a library")]
    assert set(re.findall(r"^\| `(\w+)", table, re.MULTILINE)) == set(cli._COMMANDS)


def test_every_flag_of_the_readme_exists():
    known = {"--help", "--version"}
    commands = [cli.cli, *(cli.cli.get_command(None, name) for name in cli._COMMANDS)]
    commands += [below for one in commands if isinstance(one, click.Group) for below in one.commands.values()]
    for command in commands:
        for parameter in command.params:
            known.update(parameter.opts, parameter.secondary_opts)
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+\w", README))
    development = {"--variants", "--difpy", "--count", "--no-recursive"}
    assert named - development <= known, named - known


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:difwatch|tests|systemd|migrations|\.ci)/[\w./-]*)`", README)))
)
def test_every_path_of_the_readme_exists(path):
    assert (ROOT / path).exists()
