"""What is written is true: commands run and print what they should, the configuration loads, all names exist."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from difwatch import config
from difwatch.cli import app
from tests.support.paths import ROOT
from tests.support.photos import photo

PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "systemd/README.md",
    "tests/benchmarks/README.md",
    "tests/faults/README.md",
)
TEXTS = {page: (ROOT / page).read_text() for page in PAGES}
README = TEXTS["README.md"]
TOOLS = {"pip", "pytest", "ruff", "mypy", "lint-imports"}  # their flags are not ours

# Plays command lines in one process, which loads the libraries once; what each one printed ends with a null byte.
PLAYER = """
import os, shlex, signal, subprocess, sys
from difwatch.cli.app import cli
from difwatch.service import rights
rights.forbid_changes = lambda _: 0  # the next command of this process writes a report
for line in sys.stdin:
    name, *words = (os.path.expanduser(word) for word in shlex.split(line, comments=True))
    if words[:1] == ["review"]:  # as if somebody looked for two seconds, and pressed Ctrl-C
        signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
        signal.alarm(2)
    if name == "difwatch":
        try:
            cli.main(words, standalone_mode=False)
        except SystemExit as end:
            assert words == ["status"] and end.code == 1, (words, end.code)
    else:
        subprocess.run([name, *words], check=True)
    print(end="\\0", flush=True)
"""


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def prepare(home: Path) -> None:
    """The folders that the Python of the README reads."""
    (home / "Pictures").mkdir()
    lake, forest = photo(11, 1200, 800), photo(12, 1200, 800)
    lake.save(home / "Pictures" / "lake.jpg", quality=92)
    forest.save(home / "Pictures" / "forest.jpg", quality=92)
    lake.rotate(90, expand=True).save(home / "Pictures" / "again.jpg", quality=70)


def play(lines: list[str], home: Path) -> list[str]:
    """What each command printed, with the time and the home directory that the README has."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "DIFWATCH_QUIET_SECONDS": "0"}
    done = subprocess.run(
        [sys.executable, "-c", PLAYER], cwd=home, env=environment, text=True, input="\n".join(lines), check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    out = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", r"2026-11-21 12:00\1", done.stdout)
    out = re.sub(r"12:00:\d\d", "12:00:00", out)
    return out.replace(str(home), "/home/you").split("\0")[:-1]


def test_the_tour_prints_what_it_says(tmp_path):
    parts = [part for block in blocks("console", section("Tour")) for part in block.split("$ ")[1:]]
    commands = [part.partition("\n")[0] for part in parts]
    assert len(commands) == 6
    for command, part, printed in zip(commands, parts, play(commands, tmp_path), strict=True):
        assert part == f"{command}\n{printed}"


def test_the_recipe_cleans_up_and_the_report_at_the_top_is_its_own(tmp_path):
    play(["difwatch demo Pictures"], tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.jpg")}
    (recipe,) = blocks("sh", section("Clean up 3 000 photos"))
    watch, report, review, planned, applied, moves, undone = play(recipe.splitlines(), tmp_path)
    assert watch.endswith("up to date; files read: 8\n")
    (picture,) = blocks("console", README.partition("\n## ")[0])
    assert picture == f"$ difwatch report\n{report}"
    assert re.fullmatch(r"open http://dw-\w{8}\.localhost:\d+/open\?t=[\w-]{43}; Ctrl-C ends it\n", review)
    assert planned.count("would be moved to /home/you/Duplicates/") == 3
    assert applied.endswith("3 pictures (141 kB) moved; 'difwatch undo 1 2 3' puts them back\n")
    assert moves.count("move done") == undone.count(": put back") == 3
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.jpg")} == before


def test_the_python_of_the_readme_runs(tmp_path):
    prepare(tmp_path)
    (block,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, env=os.environ, text=True, capture_output=True, check=True
    )
    assert done.stdout.startswith("1 1\nPictures/again.jpg Pictures/lake.jpg 0.35")


def test_the_configuration_holds_the_defaults(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "Pictures").mkdir()
    (block,) = blocks("toml")
    file = tmp_path / "config.toml"
    file.write_text(block)
    loaded = config.load(file, {})
    assert loaded.model_copy(update={"folder": [], "move_to": None}) == config.Config()
    assert loaded.folder == [config.FolderConfig(path="~/Pictures")]
    count = len(config.Config.model_fields) + len(config.FolderConfig.model_fields) - 1
    assert f"with all {count} keys" in README


def known_commands() -> dict[str, click.Command]:
    found = {}
    context = click.Context(app.cli)
    for name in app.cli.list_commands(context):
        command = app.cli.get_command(context, name)
        found[name] = command
        if isinstance(command, click.Group):
            found |= {f"{name} {below}": one for below, one in command.commands.items()}
    return found


def flags_of(command: click.Command) -> set[str]:
    flags = [flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)]
    return {flag for flag in flags if flag.startswith("--")} | {"--help"}


def test_the_table_of_the_readme_has_every_command_and_none_other():
    table = re.findall(r"^\| `(\w+)", section("Commands"), re.MULTILINE)
    assert table == [name for name in known_commands() if " " not in name]


def test_every_flag_that_is_named_beside_a_command_is_one_of_it():
    commands = known_commands()
    spoken = re.findall(r"`(?:difwatch )?([a-z]+(?: [a-z]+)?)((?: [^`]*)?)`", " ".join(TEXTS.values()))
    spoken += re.findall(r"^(?:\$ )?difwatch ([a-z]+)((?: .*)?)$", README, re.MULTILINE)
    spoken += [(name, rest) for name, rest in re.findall(r"^\| `([a-z]+)(.*)$", section("Commands"), re.MULTILINE)]
    seen = 0
    for words, rest in spoken:
        name = words if words in commands else words.partition(" ")[0]
        if name in commands and name not in TOOLS:
            named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+\w", rest))
            assert named <= flags_of(commands[name]), (words, rest)
            seen += len(named)
    assert seen > 20


def test_every_flag_of_the_readme_exists():
    known = flags_of(app.cli) | {"--version"}
    for command in known_commands().values():
        known |= flags_of(command)
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+\w", README)) <= known


@pytest.mark.parametrize(
    ("page", "path"),
    sorted(
        {
            (page, path)
            for page, text in TEXTS.items()
            for path in re.findall(r"`((?:difwatch|tests|systemd|migrations|\.ci)/[\w./-]*)`", text)
        }
    ),
)
def test_every_path_that_is_named_exists(page, path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize(
    ("page", "target"),
    sorted((page, target) for page, text in TEXTS.items() for target in re.findall(r"\]\(([^)#:]+)\)", text)),
)
def test_every_link_leads_somewhere(page, target):
    assert ((ROOT / page).parent / target).exists()


MEASURING = sorted(set(re.findall(r"-m (tests\.[\w.]+)((?: --?[\w-]+| \d+)*)", " ".join(TEXTS.values()))))


@pytest.mark.parametrize("module", sorted({module for module, _ in MEASURING}))
def test_every_program_of_the_tables_is_there_and_has_the_flags_that_are_named(module):
    source = Path(importlib.util.find_spec(module).origin).read_text()
    assert '__name__ == "__main__"' in source
    for _, rest in (item for item in MEASURING if item[0] == module):
        for flag in re.findall(r"--[\w-]+", rest):
            assert f'"{flag}"' in source


def test_every_program_is_in_the_tables():
    programs = {path for folder in ("benchmarks", "faults") for path in (ROOT / "tests" / folder).glob("*.py")}
    programs = {path for path in programs if not path.stem.startswith("one_")}  # others start and kill those
    runnable = {f"tests.{p.parent.name}.{p.stem}" for p in programs if '\nif __name__ == "__main__"' in p.read_text()}
    assert runnable <= {module for module, _ in MEASURING}


def test_the_readme_stays_short():
    assert len(README.encode()) <= 14_000
