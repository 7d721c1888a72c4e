"""``difwatch unreadable``."""

import json

import click

from difwatch import paths
from difwatch.cli.context import Context
from difwatch.cli.output import pour


@click.command("unreadable", short_help="List the files without a tensor, and why.")
@click.option("--print0", is_flag=True, help="Print only the paths, each followed by a null byte.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(context: Context, print0: bool, as_json: bool) -> None:
    """List the files without a tensor, and why.

    A file is tried again when it changes.
    """
    from difwatch.shown import shown, shown_path
    from difwatch.store import files

    with context.reading() as connection:
        unreadable = files.unreadable(connection)
    if as_json:
        rows = [paths.as_json("path", path) | {"reason": reason} for path, reason in unreadable]
        pour([json.dumps({"unreadable": rows}, indent=1), "\n"], exact=True)
    elif print0:
        pour((f"{paths.as_text(path)}\0" for path, _ in unreadable), exact=True)
    else:
        pour(f"{shown_path(path)}: {shown(reason)}\n" for path, reason in unreadable)
