"""The command ``difwatch``: one thin module per command, loaded when it is called."""

from __future__ import annotations

import contextlib
import difflib
import errno
import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from difwatch import __version__
from difwatch.errors import ActionError, DifwatchError, IncompleteError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_COMMANDS = {
    "watch": "difwatch.cli.watch",
    "scan": "difwatch.cli.scan",
    "status": "difwatch.cli.status",
    "report": "difwatch.cli.report",
    "explain": "difwatch.cli.explain",
    "apply": "difwatch.cli.apply",
    "moves": "difwatch.cli.moves",
    "undo": "difwatch.cli.undo",
    "ignore": "difwatch.cli.ignore",
    "forget": "difwatch.cli.forget",
    "rescan": "difwatch.cli.rescan",
    "verify": "difwatch.cli.verify",
    "unreadable": "difwatch.cli.unreadable",
    "retry": "difwatch.cli.retry",
    "db": "difwatch.cli.db",
    "service": "difwatch.cli.service",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(_COMMANDS[cmd_name]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = difflib.get_close_matches(args[0], _COMMANDS, n=1)
        if args[0] not in _COMMANDS and near:
            ctx.fail(f"{args[0]!r} is no command; did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _SUMMARIES[name]) for name in _COMMANDS])


# Kept here so that --help loads no command; a test compares them with the commands themselves.
_SUMMARIES = {
    "watch": "Index the folders, then follow every change in them.",
    "scan": "Search folders once, without a store, as difPy does.",
    "status": "Is it alive, is it complete, what is it doing.",
    "report": "Groups of matching pictures, best first.",
    "explain": "Why two pictures do or do not match.",
    "apply": "Move or delete the lesser pictures; --dry-run says which.",
    "moves": "What was moved or deleted, when, and where it is.",
    "undo": "Put back what was moved or put into the waste basket.",
    "ignore": "Say that two pictures are no duplicates.",
    "forget": "Say that what is missing from a folder is gone.",
    "rescan": "Search everything anew, in blocks; goes on where it was interrupted.",
    "verify": "Check the promise: brute force against what is remembered.",
    "unreadable": "Files without a tensor, and why.",
    "retry": "Read files again that have no tensor.",
    "db": "The store.",
    "service": "Run it under systemd.",
}


@click.group(
    cls=_Lazy,
    short_help="Find duplicate and similar pictures, exactly.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="difwatch")
@click.option("--config", metavar="FILE", type=click.Path(dir_okay=False), help="The configuration file.")
@click.option("--state-dir", metavar="DIR", type=click.Path(file_okay=False), help="Where the store is kept.")
@click.option("-v", "--verbose", is_flag=True, help="Say more.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what needs attention.")
@click.pass_context
def cli(ctx: click.Context, config: str | None, state_dir: str | None, verbose: bool, quiet: bool) -> None:
    """Watch picture folders and find duplicate and similar images, exactly."""
    ctx.obj = Common(config, state_dir, verbose, quiet)


def pour(pieces: Iterable[str]) -> None:
    """Print pieces of text; a reader that goes away (head, less) has read enough, and that is no failure."""
    try:
        for piece in pieces:
            sys.stdout.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """Print a line, as `pour` does."""
    pour([text + "\n"])


class Common:
    """The options that stand before the command."""

    def __init__(self, config: str | None, state_dir: str | None, verbose: bool, quiet: bool) -> None:
        self.config = config
        self.verbose = verbose
        self.quiet = quiet
        self._state_dir = state_dir

    @property
    def state_dir(self) -> Path:
        """The state directory: flag, DIFWATCH_STATE_DIR, STATE_DIRECTORY, or the platform's."""
        from difwatch.control import default_state_dir

        if self._state_dir:
            return Path(os.path.expanduser(self._state_dir))  # noqa: PTH111  (that of Path raises for an unknown user)
        return default_state_dir(os.environ)

    @property
    def store(self) -> Path:
        """The file of the store."""
        return self.state_dir / "difwatch.db"

    def must_have_store(self) -> None:
        """Refuse to make a new store where one is expected."""
        from difwatch.errors import StoreMissingError
        from difwatch.store.engine import MISSING

        if not self.store.exists():
            raise StoreMissingError(f"{self.store}: {MISSING}")

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the store, which must be of this version."""
        from difwatch.store import open_reader, reading, schema

        engine = open_reader(self.store)
        schema.check(engine, self.store)
        with reading(engine) as connection:
            yield connection


def main() -> None:
    """Run the command line; a `DifwatchError` is one line (or one for each mistake) and an exit code."""
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    # Paths in CSV are for programs and come out as the bytes that they are; those for people are escaped before.
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    try:
        cli.main(prog_name="difwatch", standalone_mode=False)
    except DifwatchError as error:
        for line in str(error).splitlines():
            click.echo(f"difwatch: {line}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        helps = f"; see '{context.command_path} --help'" if context is not None else ""
        click.echo(f"difwatch: {error.format_message().rstrip('.')}{helps}", err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("difwatch: nothing was done: the question was not answered with yes", err=True)
        sys.exit(UsageError.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        _refuse_file(error)


def _refuse_file(error: OSError) -> None:
    """End in words when a file cannot be used, or what should be printed cannot be; anything else goes on."""
    if error.filename is not None and error.strerror:
        click.echo(f"difwatch: {os.fsdecode(error.filename)}: {error.strerror}", err=True)
        sys.exit(ActionError.exit_code)
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        raise error
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be printed
    click.echo(f"difwatch: the output cannot be written: {error.strerror}", err=True)
    sys.exit(IncompleteError.exit_code)
