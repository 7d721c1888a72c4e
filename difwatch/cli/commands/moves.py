"""``difwatch moves``."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from difwatch import paths
from difwatch.cli.context import Context
from difwatch.cli.output import pour
from difwatch.shown import shown_path

if TYPE_CHECKING:
    from difwatch.actions.entry import Entry


@click.command("moves", short_help="List what was moved or deleted, when, and where it is now.")
@click.option(
    "--since", metavar="TIME", help="Only since a time (2026-11-21, 2026-11-21T12:00) or within a span (2h, 7d)."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--seen", metavar="ID", type=int, help="Confirm that you have looked for a picture that was lost.")
@click.pass_obj
def command(context: Context, since: str | None, as_json: bool, seen: int | None) -> None:
    """List what was moved or deleted, when, and where it is now.

    Each line begins with the ID for 'difwatch undo'.
    """
    from difwatch.actions.journal import Journal
    from difwatch.cli.values import moment

    path = context.state_dir.journal
    new_since = moment(since) if since else None
    if seen is not None:
        _mark_seen(context, seen)
        return
    entries: list[Entry] = []
    if path.exists():
        with contextlib.closing(Journal(path, readonly=True)) as journal:
            entries = [entry for entry in journal.entries(new_since) if entry.picture is None]
    if as_json:
        pour([json.dumps({"moves": [_row(entry) for entry in entries]}, indent=1), "\n"])
    elif entries:
        pour(_line(entry) for entry in entries)
    elif not context.quiet:
        click.echo(f"nothing was moved or deleted, by the journal in {context.state_dir.path}", err=True)


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "begun": entry.begun,
        "ended": entry.ended,
        "kind": entry.kind,
        "state": entry.state,
        **paths.as_json("source", entry.source),
        **({"target": None} if entry.target is None else paths.as_json("target", entry.target)),
        "digest": entry.digest.hex(),
        **({"keeper": None} if entry.keeper is None else paths.as_json("keeper", entry.keeper)),
        "sse": entry.sse,
        "message": entry.message,
    }


def _line(entry: Entry) -> str:
    target = f" -> {shown_path(entry.target)}" if entry.target is not None else ""
    message = f" ({entry.message})" if entry.message else ""
    what = f"{entry.kind} {entry.state}: {shown_path(entry.source)}"
    return f"{entry.id}  {_local(entry.begun)}  {what}{target}{message}\n"


def _local(moment: str) -> str:
    """Return a moment in local time, as ``--since`` accepts it."""
    return datetime.fromisoformat(moment).astimezone().replace(tzinfo=None).isoformat(timespec="milliseconds")


def _mark_seen(context: Context, id_: int) -> None:
    from difwatch.actions.access import open_journal
    from difwatch.actions.entry import FAILED, LOST
    from difwatch.clock import SystemClock
    from difwatch.errors import UsageError

    with open_journal(context.state_dir.journal, context.state_dir.journal_lock, SystemClock()) as journal:
        entry = journal.get(id_)
        if entry is None or entry.state != LOST:
            raise UsageError(f"{id_}: nothing is missing there")
        journal.end([entry], FAILED, datetime.fromisoformat(entry.ended or entry.begun), entry.message)
