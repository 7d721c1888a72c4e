"""``difwatch watch``."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from difwatch.cli.context import ENVIRONMENT, Context

if TYPE_CHECKING:
    from collections.abc import Iterable

    from difwatch.config import Config

log = logging.getLogger(__name__)

_GROUPED_MOST = 100_000  # pictures
ROLES = ("normal", "reference")


@click.command("watch", short_help="Index the folders, then follow every change in them.")
@click.argument("folders", metavar="[FOLDER]...", nargs=-1)
@click.option(
    "--reference",
    "references",
    metavar="DIR",
    multiple=True,
    help="A folder whose pictures are always the ones to keep; can be repeated.",
)
@click.option("--once", is_flag=True, help="Bring the store up to date with the folders, then exit.")
@click.option(
    "--similarity",
    metavar="NAME|MSE",
    envvar=ENVIRONMENT["similarity"],
    help='"duplicates", "similar", "normal", "loose" or an MSE.',
)
@click.option(
    "--rotate/--no-rotate",
    default=None,
    envvar=ENVIRONMENT["rotate"],
    help="Compare all four quarter turns.",
)
@click.option(
    "--same-dim/--any-size",
    default=None,
    envvar=ENVIRONMENT["same_dim"],
    help="Count only pictures of equal size, or resized copies as well.",
)
@click.option("--px-size", type=int, envvar=ENVIRONMENT["px_size"], help="Side of the tensors, 10 to 5000.")
@click.option("--processes", type=int, envvar=ENVIRONMENT["processes"], help="Worker processes; 0 is one per core.")
@click.option(
    "--quiet-seconds", type=float, envvar=ENVIRONMENT["quiet_seconds"], help="Seconds of rest before a file is read."
)
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", help="Format of the log lines.")
@click.option(
    "--metrics-file",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    envvar="DIFWATCH_METRICS_FILE",
    help="Write metrics to FILE, for the textfile collector of node_exporter.",
)
@click.pass_obj
def command(
    context: Context,
    /,
    folders: tuple[str, ...],
    references: tuple[str, ...],
    once: bool,
    log_format: str,
    metrics_file: str | None,
    **flags: str | float | bool | None,
) -> None:
    """Index the folders, then follow every change in them.

    FOLDERs and --reference replace the folders of the configuration file, which is not needed then. Without any, the
    folders of the last time are watched.
    """
    # Read when numpy is imported. Threads of matrix products would compete with the workers, and wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from difwatch import config
    from difwatch.cli import logs
    from difwatch.cli.files import refuse_picture
    from difwatch.cli.progress import ProgressLine
    from difwatch.clock import SystemClock
    from difwatch.errors import UsageError
    from difwatch.service import daemon

    if metrics_file is not None:
        refuse_picture("--metrics-file", Path(metrics_file))
    is_first = not context.state_dir.store.exists()
    found = (lambda: _found(context)) if is_first else None
    logs.set_up(context.verbose, context.quiet, log_format, logs.is_journal(os.environ), found)

    def read() -> config.Config:
        known = context.watched()
        file = config.find(context.config_file, os.environ)
        loaded = config.load(file, flags, folders, references, known)
        if not loaded.folder and known:  # as at the last time
            named = {role: [os.fsdecode(path) for path, one in known.items() if one.role == role] for role in ROLES}
            loaded = config.load(file, flags, tuple(named["normal"]), tuple(named["reference"]), known)
        if not loaded.folder:
            raise UsageError(
                "no folder to watch: name one, as in 'difwatch watch ~/Pictures', or list some in a configuration"
            )
        _tell_left(known, loaded)
        return loaded

    line = ProgressLine(SystemClock(), context.quiet or log_format == "json")
    try:
        daemon.watch(read, context.state_dir, once, line, None if metrics_file is None else Path(metrics_file))
    finally:
        line.end()


def _found(context: Context) -> str | None:
    """Return what the first search found, in words; None where that takes longer than a few seconds."""
    from difwatch.errors import DifwatchError
    from difwatch.report.found import read_found

    try:
        with context.reading() as connection:
            found = read_found(connection, _GROUPED_MOST)
    except DifwatchError:
        return None
    return None if found is None else found.text()


def _tell_left(known: Iterable[bytes], loaded: Config) -> None:
    """Say which folders are not watched any more, since only those that are named now are."""
    left = sorted(set(known) - {folder.path for folder in loaded.folders()})
    for path in left:
        log.warning("%s is no longer watched; name it too to watch both", os.fsdecode(path))
