"""The command ``difwatch``: its table of commands, and how each one ends."""

from __future__ import annotations

import difflib
import errno
import gc
import importlib
import os
import sys
from traceback import format_exception
from types import TracebackType

import click

from difwatch.cli.context import Context
from difwatch.cli.output import open_streams
from difwatch.errors import ActionError, DifwatchError, IncompleteError, StoppedError, UsageError
from difwatch.version import __version__

_OBJECTS_MADE = 100_000  # between two looks for garbage

# The summaries stand here so that --help loads no command; a test compares them with the commands themselves.
_COMMANDS = {
    "init": "Write a configuration, and offer to start the service.",
    "watch": "Index the folders, then follow every change in them.",
    "scan": "Search folders once, without a store, as difPy does.",
    "status": "Show whether the daemon runs, what it does, and what it misses.",
    "report": "List groups of matching pictures, best first.",
    "review": "Look at the groups in a browser, and decide.",
    "explain": "Explain why two pictures do or do not match.",
    "apply": "Move or delete the duplicates; --dry-run shows which.",
    "moves": "List what was moved or deleted, when, and where it is now.",
    "undo": "Put back what was moved or put into the waste basket.",
    "ignore": "Record that two pictures are no duplicates.",
    "forget": "Confirm that what is missing from a folder is gone.",
    "rescan": "Search everything again, in blocks; resumes if interrupted.",
    "verify": "Check the remembered matches by brute force.",
    "config": "Show the configuration in force.",
    "reload": "Let the daemon read its configuration again.",
    "unreadable": "List the files without a tensor, and why.",
    "retry": "Read again the files that have no tensor.",
    "db": "Maintain the store.",
    "service": "Run difwatch under systemd.",
    "demo": "Put a few pictures into a folder, to try difwatch with.",
    "completion": "Print the completion of commands for a shell.",
}


class _HelpContext(click.Context):
    """Ends the help of its command with examples, which are loaded only then."""

    def get_help(self) -> str:
        from difwatch.cli.examples import write_examples

        formatter = self.make_formatter()
        formatter.write(super().get_help() + "\n")
        write_examples(self, formatter)
        return formatter.getvalue().rstrip("\n")


def _with_examples(command: click.Command) -> click.Command:
    """Return a command whose help has examples, as has the help of every command below it."""
    command.context_class = _HelpContext
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _with_examples(below)
    return command


class _LazyGroup(click.Group):
    """Loads a command when it is called."""

    context_class = _HelpContext

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"difwatch.cli.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return _with_examples(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = difflib.get_close_matches(args[0], _COMMANDS, n=1)
        if args[0] not in _COMMANDS and near:
            ctx.fail(f"{args[0]!r} is no command; did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    short_help="Find duplicate and similar pictures, exactly.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="difwatch")
@click.option("--config", metavar="FILE", type=click.Path(dir_okay=False), help="The configuration file.")
@click.option("--state-dir", metavar="DIR", type=click.Path(file_okay=False), help="Where the store is kept.")
@click.option("--system", "of_machine", is_flag=True, help="Use the store of the machine's service.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Paint what is printed; auto does it on a terminal, unless NO_COLOR is set.",
)
@click.option("-v", "--verbose", is_flag=True, help="Print more.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what needs attention.")
@click.pass_context
def cli(
    ctx: click.Context,
    config: str | None,
    state_dir: str | None,
    of_machine: bool,
    color: str,
    verbose: bool,
    quiet: bool,
) -> None:
    """Watch picture folders and find duplicate and similar images, exactly."""
    if of_machine:
        config, state_dir = config or "/etc/difwatch/config.toml", state_dir or "/var/lib/difwatch"
    ctx.obj = Context(config, state_dir, verbose, quiet, color)


def main() -> None:
    """Run the command line; a `DifwatchError` becomes a line per mistake and an exit code."""
    # To look for garbage among what the imports make takes a tenth of a second, as does taking it apart.
    gc.set_threshold(_OBJECTS_MADE)
    try:
        _run()
    finally:
        gc.freeze()


def _run() -> None:
    open_streams()
    if _priority():
        sys.excepthook = _say_traceback
    try:
        cli.main(prog_name="difwatch", standalone_mode=False)
    except DifwatchError as error:
        from difwatch.cli.hints import completed

        for line in completed(str(error)).splitlines():
            click.echo(f"{_priority()}difwatch: {line}", err=True)
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        helps = f"; see '{context.command_path} --help'" if context is not None else ""
        click.echo(f"{_priority()}difwatch: {error.format_message().rstrip('.')}{helps}", err=True)
        sys.exit(error.exit_code)
    except click.Abort as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            click.echo("difwatch: stopped", err=True)
            sys.exit(StoppedError.exit_code)
        click.echo("difwatch: nothing was done: the question was not answered with yes", err=True)
        sys.exit(UsageError.exit_code)
    except OSError as error:
        _refuse_file(error)


def _priority() -> str:
    """Return what begins a line about an error in the journal of systemd; nothing elsewhere."""
    from difwatch.cli.logs import is_journal

    return "<3>" if is_journal(os.environ) else ""


def _say_traceback(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Print an exception that nobody expected, each line with its priority in the journal."""
    for line in "".join(format_exception(kind, error, traceback)).splitlines():
        click.echo(f"{_priority()}{line}", err=True)


def _refuse_file(error: OSError) -> None:
    """Exit with a message if a file cannot be used or the output cannot be written; raise any other error."""
    if error.filename is not None and error.strerror:
        click.echo(f"{_priority()}difwatch: {os.fsdecode(error.filename)}: {error.strerror}", err=True)
        sys.exit(ActionError.exit_code)
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        raise error
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be printed
    click.echo(f"difwatch: the output cannot be written: {error.strerror}", err=True)
    sys.exit(IncompleteError.exit_code)
