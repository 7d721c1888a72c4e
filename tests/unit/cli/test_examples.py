"""The examples of every command: all are there, click accepts them, and its help ends with them."""

import shlex
import subprocess
import sys
from itertools import takewhile

import click
import pytest

from difwatch.cli.app import cli
from difwatch.cli.examples import EXAMPLES
from tests.support.paths import ROOT

ALL = [(name, line, does) for name, examples in EXAMPLES.items() for line, does in examples]


def commands(context=None):
    """Each command by its name, "" for the program itself, with all below it."""
    context = context or click.Context(cli, info_name="")
    found = {context.command_path.strip(): context.command}
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            found |= commands(click.Context(command, info_name=name, parent=context))
    return found


COMMANDS = commands()


def words_of(line):
    """The arguments for difwatch, without the commands and files around it."""
    words = takewhile(lambda word: word not in ("|", ">", ">>"), shlex.split(line))
    program, *arguments = [word for word in words if word != "sudo"]
    assert program == "difwatch"
    return arguments


def help_of(name, capsys):
    cli.main([*name.split(), "--help"], prog_name="difwatch", standalone_mode=False)
    return capsys.readouterr().out


def test_every_command_has_examples():
    lacking = [f"difwatch {name}" for name in COMMANDS if not EXAMPLES.get(name)]
    assert not lacking, f"add examples to difwatch/cli/examples.py: {', '.join(lacking)}"


def test_all_examples_are_of_a_command():
    assert set(EXAMPLES) <= set(COMMANDS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_command_has_one_to_four_examples(name):
    assert 1 <= len(EXAMPLES[name]) <= 4


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, line, _ in ALL], ids=lambda value: value)
def test_an_example_is_accepted_and_is_of_its_command(monkeypatch, name, line):
    reached = []
    for known, command in COMMANDS.items():
        if not isinstance(command, click.Group):
            monkeypatch.setattr(command, "callback", lambda *_, known=known, **__: reached.append(known))
    cli.main(words_of(line), prog_name="difwatch", standalone_mode=False)
    (command,) = reached
    assert f"{command} ".startswith(f"{name} ".lstrip())


@pytest.mark.parametrize(("line", "does"), [(line, does) for _, line, does in ALL], ids=lambda value: value[:40])
def test_an_example_is_short_and_a_sentence_says_what_it_does(line, does):
    assert len(f"  {line}") <= 78
    assert len(f"      {does}") <= 78
    assert does[0].isupper()
    assert does.endswith(".")


@pytest.mark.parametrize("width", [50, 80, 100])
@pytest.mark.parametrize("name", COMMANDS)
def test_help_ends_with_the_examples_and_breaks_none(monkeypatch, capsys, name, width):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = help_of(name, capsys).partition("\nExamples:\n")[2].splitlines()
    for line, does in EXAMPLES[name]:
        assert any(f"{shown}  ".startswith(f"  {line}  ") for shown in lines)
        assert does in " ".join(" ".join(lines).split())
    assert all(shown.startswith("  ") for shown in lines)
    assert width < 80 or max(map(len, lines)) <= width


def test_the_help_of_a_group_without_arguments_has_them_too(capsys):
    with pytest.raises(click.exceptions.NoArgsIsHelpError) as caught:
        cli.main(["db"], prog_name="difwatch", standalone_mode=False)
    assert "\nExamples:\n  difwatch db check " in caught.value.format_message()


@pytest.mark.parametrize(("words", "are_loaded"), [(["completion", "bash"], False), (["completion", "--help"], True)])
def test_examples_are_loaded_for_help_only(words, are_loaded):
    code = (
        f"import atexit, sys; sys.argv[1:] = {words!r}\n"
        "atexit.register(lambda: print('difwatch.cli.examples' in sys.modules, file=sys.stderr))\n"
        "from difwatch.cli.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.split() == [str(are_loaded)]
