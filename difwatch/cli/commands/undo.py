"""``difwatch undo``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from difwatch.cli.context import Context
from difwatch.cli.output import ActLines, say

if TYPE_CHECKING:
    from difwatch.actions.entry import Entry
    from difwatch.actions.journal import Journal


@click.command("undo", short_help="Put back what was moved or put into the waste basket.")
@click.argument("ids", metavar="[ID]...", type=click.IntRange(1, 2**63 - 1), nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that was moved and not put back.")
@click.option("--since", metavar="TIME", help="Everything since a time (2026-11-21T12:00) or within a span (2h, 7d).")
@click.option("--force", is_flag=True, help="Go on even if the folder is on another file system than before.")
@click.pass_obj
def command(context: Context, ids: tuple[int, ...], everything: bool, since: str | None, force: bool) -> None:
    """Put back what was moved or put into the waste basket.

    A file is found by its bytes, and put back only if its place is free. 'difwatch moves' lists the IDs.
    """
    from difwatch.actions.access import open_journal
    from difwatch.actions.undo import undo
    from difwatch.cli import interrupts, logs
    from difwatch.cli.values import moment
    from difwatch.clock import SystemClock
    from difwatch.control.lock import holder
    from difwatch.errors import ActionError, StoppedError, UsageError
    from difwatch.shown import shown, shown_count, shown_path

    if bool(ids) + everything + bool(since) != 1:
        raise UsageError("say what to put back: ids from 'difwatch moves', --all, or --since TIME")
    if not context.state_dir.journal.exists():
        raise UsageError("nothing was ever moved")
    logs.set_up(context.verbose, context.quiet, "text", journal=False)

    trouble, entries, clock, lines = 0, [], SystemClock(), ActLines()
    with (
        open_journal(context.state_dir.journal, context.state_dir.journal_lock, clock) as journal,
        interrupts.noted() as interrupted,
    ):
        entries = _named(journal, ids) if ids else _all(journal, moment(since) if since else None)
        # Newest first: a later picture may lie where an earlier one was.
        for number, entry in enumerate(sorted(entries, key=lambda entry: -entry.id)):
            if interrupted.have_come:
                raise StoppedError(
                    f"stopped: {number - trouble} of {len(entries)} put back; the same command goes on"
                )
            done = undo(entry, journal, clock, force)
            trouble += done.state != "done"
            what = "put back" if done.state == "done" else f"not put back: {shown(done.reason or '')}"
            lines.say(f"{entry.id}  {shown_path(entry.source)}: {what}")
    if not entries:
        say("there is nothing to put back")
    elif len(entries) > trouble:
        known = "" if holder(context.state_dir) else "; 'difwatch watch --once' takes them into the report again"
        lines.say(f"{shown_count(len(entries) - trouble, 'picture')} put back{known}")
    lines.end()
    if trouble:
        raise ActionError(f"{trouble} could not be put back; each is where it was")


def _all(journal: Journal, since: datetime | None) -> list[Entry]:
    entries = journal.entries(since, states=["done"])
    return [entry for entry in entries if entry.picture is None and entry.kind in ("move", "trash")]


def _named(journal: Journal, ids: tuple[int, ...]) -> list[Entry]:
    from difwatch.errors import UsageError

    entries = []
    for id_ in ids:
        entry = journal.get(id_)
        if entry is None:
            raise UsageError(f"{id_}: there is no such act; 'difwatch moves' lists them")
        entries.append(entry)
    return entries
