"""``difwatch forget``."""

from __future__ import annotations

import os

import click

from difwatch.cli.context import Context
from difwatch.cli.output import say


@click.command("forget", short_help="Confirm that what is missing from a folder is gone.")
@click.argument("folder", type=click.Path())
@click.pass_obj
def command(context: Context, folder: str) -> None:
    """Confirm that what is missing from a folder is gone.

    If very many known files are missing at once, or a folder is on another file system than before, difwatch keeps
    what it knows, and 'difwatch status' says so. After this command, the next walk of FOLDER forgets what it does not
    find.
    """
    from difwatch import paths
    from difwatch.errors import UsageError
    from difwatch.service.requests import Release

    path = paths.real(folder)
    with context.writer("forget") as writer:
        is_watched = writer.do(Release(path))["found"]
        when = "at the next start" if writer.is_here else "by the walk that begins now"
    if not is_watched:
        raise UsageError(f"{folder}: not a watched folder; 'difwatch status' lists them")
    say(f"{os.fsdecode(path)}: what is missing will be forgotten {when}")
