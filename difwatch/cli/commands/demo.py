"""``difwatch demo``."""

from __future__ import annotations

import os
import shutil
from importlib import resources
from pathlib import Path

import click

from difwatch.cli.context import Context
from difwatch.errors import UsageError

_TAKEN = 1_763_719_200  # seconds since 1970: an hour in November 2025


@click.command("demo", short_help="Put a few pictures into a folder, to try difwatch with.")
@click.argument("folder", type=click.Path(), default="difwatch-demo")
@click.pass_obj
def command(context: Context, folder: str) -> None:
    """Put a few pictures into a new FOLDER, to try difwatch with.

    Three photographs, and what became of them in a backup, a messenger and an editor.
    """
    from difwatch.shown import shown, shown_count

    target = Path(folder)
    try:
        target.mkdir(parents=True)
    except FileExistsError as error:
        raise UsageError(f"{folder}: is there already; name a new folder") from error
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}") from error
    with resources.as_file(resources.files("difwatch") / "demo") as pictures:
        shutil.copytree(pictures, target, dirs_exist_ok=True, copy_function=shutil.copyfile)
    files = sorted(target.rglob("*.jpg"))
    for number, file in enumerate(files):  # the originals first, as "oldest" tells equal ones apart
        os.utime(file, (_TAKEN + 3600 * number,) * 2)
    if not context.quiet:
        click.echo(
            f"{shown_count(len(files), 'picture')} in {shown(folder)}; next: difwatch watch --once {shown(folder)}"
        )
