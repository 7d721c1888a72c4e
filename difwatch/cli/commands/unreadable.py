"""``difwatch unreadable``."""

import os

import click

from difwatch.cli.context import Context
from difwatch.cli.output import pour


@click.command("unreadable", short_help="Files without a tensor, and why.")
@click.option("--print0", is_flag=True, help="Only the paths, separated by null bytes.")
@click.pass_obj
def command(context: Context, print0: bool) -> None:
    """Files without a tensor, and why.

    They are tried again when they change.
    """
    from difwatch.shown import shown, shown_path
    from difwatch.store import files

    with context.reading() as connection:
        found = files.unreadable(connection)
    if print0:
        pour(f"{os.fsdecode(path)}\0" for path, _ in found)
    else:
        pour(f"{shown_path(path)}: {shown(reason)}\n" for path, reason in found)
