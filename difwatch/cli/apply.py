"""``difwatch apply``."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from difwatch.cli import Common

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from difwatch.actions.move import Rules
    from difwatch.actions.plan import Step


@click.command("apply", short_help="Move or delete the lesser pictures; --dry-run says which.")
@click.option("--move-to", metavar="DIR", type=click.Path(file_okay=False), help="Move them there.")
@click.option("--delete", is_flag=True, help="Put them into the waste basket.")
@click.option("--permanent", is_flag=True, help="Delete them for good; nothing brings them back.")
@click.option("--keep-tree", is_flag=True, help="Keep the folders they are in, below DIR.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--plan", metavar="ID", help="Only do what --dry-run has shown under this id.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also where DIR is on another file system than it was.")
@click.option("--threshold", metavar="MSE", type=float, help="Another mean squared error than the configured one.")
@click.option("--folder", metavar="DIR", type=click.Path(), help="Only pictures below this folder.")
@click.option(
    "--sidecars",
    type=click.Choice(["move", "refuse", "leave"]),
    default="move",
    help="Notes and raw files beside a picture go along, make it stay, or are left.",
)
@click.pass_obj
def command(
    common: Common,
    move_to: str | None,
    delete: bool,
    permanent: bool,
    keep_tree: bool,
    dry_run: bool,
    plan: str | None,
    yes: bool,
    force: bool,
    threshold: float | None,
    folder: str | None,
    sidecars: str,
) -> None:
    """Move or delete the lesser pictures of all groups.

    The best picture of a group always stays. Right before each act both files are read again: if one of them is not
    what was indexed, nothing is done with them. Nothing is ever overwritten, and 'difwatch undo' puts back what was
    moved or put into the waste basket. The daemon must not be running.
    """
    from difwatch import acting
    from difwatch.actions.plan import Policy, fingerprint
    from difwatch.cli import logs
    from difwatch.cli.acts import Teller, rules
    from difwatch.control import WriterLock
    from difwatch.errors import IncompleteError, UsageError
    from difwatch.report.summary import summarize
    from difwatch.store import open_writer, reading, upgrade, writing

    if bool(move_to) + delete + permanent != 1:
        raise UsageError("say what to do: one of --move-to DIR, --delete and --permanent")
    kind = "move" if move_to else "trash" if delete else "delete"
    destination = os.fsencode(os.path.realpath(move_to)) if move_to else None
    within = os.fsencode(os.path.realpath(folder)) if folder else None
    common.must_have_store()
    logs.set_up(common.verbose, common.quiet, "text", journal=False)
    teller = Teller(common.quiet)

    def planned(connection: Connection) -> tuple[list[Step], Rules]:
        acting.refuse_unscanned(connection)
        if destination is not None and not force:
            trouble = acting.trouble_with_destination(connection, destination)
            if trouble is not None:
                raise UsageError(trouble)
        summary = summarize(connection, threshold, within)
        apart = {*acting.destinations(connection), *([destination] if destination else [])}
        with acting.kept_for(common.state_dir) as kept_for:
            steps = acting.steps(summary, lambda image: Policy(kind, destination, keep_tree), kept_for, apart)
        name = fingerprint(steps)
        if plan is not None and plan != name:
            raise IncompleteError(f"the plan {plan} is stale: it is {name} now; look at it with --dry-run")
        return steps, rules(summary.px, sidecars)

    if dry_run:
        with common.reading() as connection:
            steps, found = planned(connection)
        teller.preview(steps, found)
        again = f"to do exactly this, put --plan {fingerprint(steps)} in place of --dry-run"
        click.echo(f"{teller.total(kind, 'would be ')}; {again}")
        return
    lock = WriterLock(common.state_dir)
    try:
        engine = open_writer(common.store)
        upgrade(engine, common.store)
        with reading(engine) as connection:
            steps, found = planned(connection)
        if permanent and not yes and acting.acts_of(steps):
            click.confirm(f"Delete {len(acting.acts_of(steps))} pictures for good?", abort=True, err=True)
        if destination is not None and acting.acts_of(steps):
            with writing(engine) as connection:
                acting.add_destination(connection, destination)
        with acting.journal_of(common.state_dir, lambda: datetime.now(UTC).isoformat()) as journal:
            for step, outcome in acting.act(steps, journal, found):
                acting.forget(engine, outcome)
                teller.tell(step, outcome)
        engine.dispose()
    finally:
        lock.release()
    click.echo(teller.total(kind, ""))
    teller.raise_for_trouble()
