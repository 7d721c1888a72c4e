"""``difwatch retry``."""

from __future__ import annotations

import os

import click

from difwatch.cli.context import Context
from difwatch.cli.output import say


@click.command("retry", short_help="Read again the files that have no tensor.")
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path())
@click.option("--all", "everything", is_flag=True, help="All files that 'difwatch unreadable' lists.")
@click.pass_obj
def command(context: Context, files: tuple[str, ...], everything: bool) -> None:
    """Read again the files that have no tensor.

    A changed file is read again by itself; this is for after raising a limit or adding a decoder. A running daemon
    reads the files at once; otherwise the next start does.
    """
    from difwatch.errors import UsageError
    from difwatch.service.requests import Retry

    if bool(files) == everything:
        raise UsageError("name files from 'difwatch unreadable', or --all")
    paths = None if everything else tuple(os.fsencode(os.path.abspath(file)) for file in files)  # noqa: PTH100

    with context.writer("retry") as writer:
        count = writer.do(Retry(paths))["count"]
        when = "at the next start" if writer.is_here else "now"
    if paths and not count:
        raise UsageError(f"{', '.join(files)}: nothing to read again; 'difwatch unreadable' lists what has no tensor")
    say(f"{count} file{'' if count == 1 else 's'} will be read again {when}")
