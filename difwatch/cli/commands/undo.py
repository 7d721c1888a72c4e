"""``difwatch undo``."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from difwatch.cli.context import Context
from difwatch.cli.output import ActLines, say

if TYPE_CHECKING:
    from difwatch.actions.entry import Entry
    from difwatch.actions.journal import Journal
    from difwatch.actions.undo import Undone


@click.command("undo", short_help="Put back what was moved or put into the waste basket.")
@click.argument("ids", metavar="[ID]...", type=click.IntRange(1, 2**63 - 1), nargs=-1)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Everything that was moved, the waste basket included, and not put back.",
)
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
    from difwatch.errors import ActionError, StoppedError, UsageError

    if bool(ids) + everything + bool(since) != 1:
        raise UsageError("say what to put back: ids from 'difwatch moves', --all, or --since TIME")
    if not context.state_dir.journal.exists():
        raise UsageError("nothing was ever moved")
    logs.set_up(context.verbose, context.quiet, "text", journal=False)

    report, clock = _Report(context), SystemClock()
    with (
        open_journal(context.state_dir.journal, context.state_dir.journal_lock, clock) as journal,
        interrupts.noted() as interrupted,
    ):
        entries = _named(journal, ids) if ids else _all(journal, moment(since) if since else None)
        # Newest first: a later picture may lie where an earlier one was.
        for entry in sorted(entries, key=lambda entry: -entry.id):
            if interrupted.have_come:
                report.end(context)
                raise StoppedError(f"stopped: {report.done} of {len(entries)} put back; the same command goes on")
            report.note(undo(entry, journal, clock, force), len(entries))
    report.end(context)
    if report.trouble:
        raise ActionError(f"{report.trouble} could not be put back; each is where it was")


class _Report:
    """Reports what became of each act, and the total; on a terminal only what could not be put back."""

    def __init__(self, context: Context) -> None:
        from difwatch.cli.progress import TaskLine
        from difwatch.clock import SystemClock

        is_brief = sys.stdout.isatty() and sys.stderr.isatty() and not context.verbose
        self._line = TaskLine(SystemClock(), context.quiet, "pictures") if is_brief else None
        self._lines = ActLines()
        self._put_back: list[Entry] = []
        self._quiet = context.quiet
        self.trouble = 0

    @property
    def done(self) -> int:
        """The number of pictures that were put back."""
        return len(self._put_back)

    def note(self, undone: Undone, count: int) -> None:
        """Report one act of a number of acts."""
        from difwatch.shown import shown, shown_path

        entry, is_done = undone.entry, undone.state == "done"
        what = "put back" if is_done else f"not put back: {shown(undone.reason or '')}"
        if is_done:
            self._put_back.append(entry)
        self.trouble += not is_done
        if self._line is not None:
            self._line(self.done + self.trouble, count, f"{self.done} put back")
        if self._line is None or not is_done:
            self._lines.say(f"{entry.id}  {shown_path(entry.source)}: {what}")

    def end(self, context: Context) -> None:
        """Print the total, and take the pictures into the store again if no daemon does."""
        from difwatch.service.acting import restored
        from difwatch.shown import shown_count

        if self._line is not None:
            self._line.end()
        if not self._put_back and not self.trouble:
            say("there is nothing to put back")
        if self._put_back:
            known = (
                "" if restored(context.state_dir, self._put_back) else "; 'difwatch watch --once' reports them again"
            )
            self._lines.say(f"{shown_count(self.done, 'picture')} put back{known}")
        self._lines.end()


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
