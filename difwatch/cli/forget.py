"""``difwatch forget``."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from difwatch.cli import Common, say

if TYPE_CHECKING:
    from sqlalchemy import Engine


@click.command("forget", short_help="Say that what is missing from a folder is gone.")
@click.argument("folder", type=click.Path())
@click.pass_obj
def command(common: Common, folder: str) -> None:
    """Say that what is missing from a folder is gone.

    Where very many known files are missing at once, or another file system is at the place of a folder, difwatch
    keeps what it knows, and status says so. This releases it: the next walk of FOLDER forgets what it does not find.
    """
    from difwatch.cli.writer import Writer
    from difwatch.errors import UsageError
    from difwatch.store import folders, writing

    path = os.path.realpath(os.path.expanduser(folder))  # noqa: PTH111  (that of Path raises for an unknown user)

    def here(engine: Engine) -> dict[str, bool]:
        with writing(engine) as connection:
            return {"found": folders.release(connection, os.fsencode(path), datetime.now(UTC).isoformat())}

    with Writer(common) as writer:
        done = writer.do({"do": "release", "path": path}, here)
        when = "at the next start" if writer.is_here else "by the walk that begins now"
    if not done["found"]:
        raise UsageError(f"{folder}: not a watched folder; 'difwatch status' lists them")
    say(f"{path}: what is missing will be forgotten {when}")
