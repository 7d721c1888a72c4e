"""``difwatch unreadable``."""

import click

from difwatch import paths
from difwatch.cli.context import Context
from difwatch.cli.output import pour


@click.command("unreadable", short_help="List the files without a tensor, and why.")
@click.option("--print0", is_flag=True, help="Print only the paths, each followed by a null byte.")
@click.pass_obj
def command(context: Context, print0: bool) -> None:
    """List the files without a tensor, and why.

    A file is tried again when it changes.
    """
    from difwatch.shown import shown, shown_path
    from difwatch.store import files

    with context.reading() as connection:
        unreadable = files.unreadable(connection)
    if print0:
        pour((f"{paths.as_text(path)}\0" for path, _ in unreadable), exact=True)
    else:
        pour(f"{shown_path(path)}: {shown(reason)}\n" for path, reason in unreadable)
