"""Write the man pages and the shell completion from the commands themselves, into ``difwatch/share``.

    .venv/bin/python .ci/make_manual.py [DIRECTORY]

A test compares what is committed with what this writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete
from click_man.man import ManPage

from difwatch.cli.app import cli

COMPLETIONS: dict[str, type[ShellComplete]] = {
    "bash/difwatch": BashComplete,
    "zsh/_difwatch": ZshComplete,
    "fish/difwatch.fish": FishComplete,
}


def below(context: click.Context) -> list[click.Context]:
    """The contexts of the commands of a group."""
    group = context.command
    if not isinstance(group, click.Group):
        return []
    commands = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return [click.Context(one, info_name=name, parent=context) for name, one in commands.items() if one is not None]


def man_page(context: click.Context) -> str:
    """The man page of a command."""
    command = context.command
    page = ManPage(context.command_path)
    page.version = page.date = "difwatch"  # a real date would make another page each day
    page.short_help = command.get_short_help_str(200)
    page.description = cleandoc(command.help or "")
    page.synopsis = " ".join(command.collect_usage_pieces(context))
    page.options = [one.get_help_record(context) for one in command.params if isinstance(one, click.Option)]
    page.commands = [(one.info_name, one.command.get_short_help_str(200)) for one in below(context)]
    return str(page)


def man_pages(context: click.Context) -> Iterator[tuple[str, str]]:
    """The name and the text of the page of a command, and of all below it."""
    yield f"man/{context.command_path.replace(' ', '-')}.1", man_page(context)
    for one in below(context):
        yield from man_pages(one)


def files() -> Iterator[tuple[str, str]]:
    """Each file below the share directory, and its text."""
    yield from man_pages(click.Context(cli, info_name="difwatch"))
    for name, kind in COMPLETIONS.items():
        yield f"completion/{name}", kind(cli, {}, "difwatch", "_DIFWATCH_COMPLETE").source()


def write(directory: Path) -> None:
    """Write all of them."""
    for name, text in files():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent.parent / "difwatch/share")
