"""``difwatch moves``."""

import contextlib
import json
import os
from datetime import datetime

import click

from difwatch.cli.context import Context
from difwatch.cli.output import pour


@click.command("moves", short_help="What was moved or deleted, when, and where it is.")
@click.option(
    "--since", metavar="TIME", help="Since a moment (2026-11-21, 2026-11-21T12:00) or for so long (2h, 7d)."
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--seen", metavar="ID", type=int, help="A picture that was found nowhere has been looked for.")
@click.pass_obj
def command(context: Context, since: str | None, as_json: bool, seen: int | None) -> None:
    """What was moved or deleted, when, and where it is.

    Each line begins with the number that 'difwatch undo' takes.
    """
    from difwatch.actions.journal import Journal
    from difwatch.cli.values import moment
    from difwatch.shown import shown_path

    path = context.state_dir.journal
    new_since = moment(since) if since else None
    if seen is not None:
        _mark_seen(context, seen)
        return
    found = []
    if path.exists():
        with contextlib.closing(Journal(path, readonly=True)) as journal:
            found = [one for one in journal.entries(new_since) if one.picture is None]
    if as_json:
        rows = [
            {
                "id": one.id,
                "begun": one.begun,
                "ended": one.ended,
                "kind": one.kind,
                "state": one.state,
                "source": os.fsdecode(one.source),
                "target": None if one.target is None else os.fsdecode(one.target),
                "digest": one.digest.hex(),
                "keeper": None if one.keeper is None else os.fsdecode(one.keeper),
                "sse": one.sse,
                "message": one.message,
            }
            for one in found
        ]
        pour([json.dumps({"moves": rows}, indent=1), "\n"])
        return
    pour(
        f"{one.id}  {_local(one.begun)}  {one.kind} {one.state}: {shown_path(one.source)}"
        + (f" -> {shown_path(one.target)}" if one.target is not None else "")
        + (f" ({one.message})" if one.message else "")
        + "\n"
        for one in found
    )


def _local(moment: str) -> str:
    """A moment in local time, as --since takes it."""
    return datetime.fromisoformat(moment).astimezone().replace(tzinfo=None).isoformat(timespec="milliseconds")


def _mark_seen(context: Context, id_: int) -> None:
    from difwatch.actions.access import open_journal
    from difwatch.actions.journal import FAILED, LOST
    from difwatch.clock import SystemClock
    from difwatch.errors import UsageError

    with open_journal(context.state_dir.journal, context.state_dir.journal_lock, SystemClock()) as journal:
        entry = journal.get(id_)
        if entry is None or entry.state != LOST:
            raise UsageError(f"{id_}: nothing is missing there")
        journal.end([entry], FAILED, datetime.fromisoformat(entry.ended or entry.begun), entry.message)
