"""``difwatch retry``."""

from __future__ import annotations

import os

import click

from difwatch.cli.context import Context
from difwatch.cli.output import say


@click.command("retry", short_help="Read files again that have no tensor.")
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path())
@click.option("--all", "everything", is_flag=True, help="All that 'difwatch unreadable' lists.")
@click.pass_obj
def command(context: Context, files: tuple[str, ...], everything: bool) -> None:
    """Read files again that have no tensor.

    They are read again by themselves when they change; this is for after a larger limit or another decoder. A running
    daemon does it at once, otherwise the next start.
    """
    from difwatch.cli.writer import Writer
    from difwatch.errors import UsageError
    from difwatch.service.requests import Retry

    if bool(files) == everything:
        raise UsageError("name files from 'difwatch unreadable', or --all")
    paths = None if everything else tuple(os.fsencode(os.path.abspath(file)) for file in files)  # noqa: PTH100

    with Writer(context) as writer:
        count = writer.do(Retry(paths))["count"]
        when = "at the next start" if writer.is_here else "now"
    if paths and not count:
        raise UsageError(f"{', '.join(files)}: nothing to read again; 'difwatch unreadable' lists what has no tensor")
    say(f"{count} file{'' if count == 1 else 's'} will be read again {when}")
