"""``difwatch apply``."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from difwatch.cli import Common, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine


@click.command("apply", short_help="Move or delete the lesser pictures; --dry-run says which.")
@click.option("--move-to", metavar="DIR", type=click.Path(file_okay=False), help="Move them there.")
@click.option("--delete", is_flag=True, help="Put them into the waste basket.")
@click.option("--permanent", is_flag=True, help="Delete them for good; nothing brings them back.")
@click.option("--keep-tree/--no-keep-tree", default=None, help="Keep the folders they are in, below DIR.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--plan", metavar="ID", help="Only do what --dry-run has shown under this id.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also where DIR is on another file system than it was.")
@click.option("--threshold", metavar="MSE", type=float, help="Another mean squared error than the configured one.")
@click.option("--folder", metavar="DIR", type=click.Path(), help="Only pictures below this folder.")
@click.option(
    "--sidecars",
    type=click.Choice(["move", "refuse", "leave"]),
    help="Notes and raw files beside a picture go along, make it stay, or are left.",
)
@click.pass_obj
def command(
    common: Common,
    move_to: str | None,
    delete: bool,
    permanent: bool,
    keep_tree: bool | None,
    dry_run: bool,
    plan: str | None,
    yes: bool,
    force: bool,
    threshold: float | None,
    folder: str | None,
    sidecars: str | None,
) -> None:
    """Move or delete the lesser pictures of all groups.

    The best picture of a group always stays. Right before each act both files are read again: if one of them is not
    what was indexed, nothing is done with them. Nothing is ever overwritten, and 'difwatch undo' puts back what was
    moved or put into the waste basket. What is not said here is as configured.
    """
    from difwatch import acting, config
    from difwatch.actions.move import goes_along
    from difwatch.actions.plan import Policy, fingerprint
    from difwatch.cli import logs, values
    from difwatch.cli.acts import Teller, rules
    from difwatch.cli.writer import Writer
    from difwatch.errors import IncompleteError, UsageError

    if (move_to is not None) + delete + permanent != 1:
        raise UsageError("say what to do: one of --move-to DIR, --delete and --permanent")
    kind = "move" if move_to else "trash" if delete else "delete"
    destination = values.real_path("--move-to", move_to)
    threshold = values.threshold(threshold)
    configured = config.load(config.find(common.config, os.environ), {}, check_folders=False)
    common.must_have_store()
    logs.set_up(common.verbose, common.quiet, "text", journal=False)
    teller = Teller(common.quiet)

    policy = Policy(kind, destination, configured.keep_tree if keep_tree is None else keep_tree)
    with common.reading() as connection:
        within = values.within(connection, folder)
        summary, steps = acting.planned(connection, common.state_dir, policy, threshold, within, force)
    found = rules(summary.px, summary.recipe, sidecars or configured.sidecars)
    name = fingerprint(steps, lambda act: goes_along(act, found))
    if plan is not None and plan != name:
        raise IncompleteError(f"the plan {plan} is stale: it is {name} now; look at it with --dry-run")
    if dry_run:
        teller.preview(steps, found)
        again = f"to do exactly this, put --plan {name} in place of --dry-run"
        say(f"{teller.total(kind, 'would be ')}; {again}")
        return
    count = len(acting.acts_of(steps))
    if permanent and not yes and count:
        click.confirm(f"Delete {count} pictures for good?", abort=True, err=True)
    with Writer(common) as writer:
        if destination is not None and count:
            writer.do({"do": "destination", "path": os.fsdecode(destination)}, _destination(destination))
        with acting.journal_of(common.state_dir, lambda: datetime.now(UTC).isoformat()) as journal:
            for step, outcome in acting.act(steps, journal, found):
                if outcome is not None and outcome.state == "done":
                    path = os.fsdecode(outcome.act.image.path)
                    writer.do({"do": "forget", "paths": [path]}, partial(acting.forget, outcome=outcome))
                teller.tell(step, outcome)
    say(teller.total(kind, ""))
    teller.raise_for_trouble()


def _destination(path: bytes) -> Callable[[Engine], None]:
    def here(engine: Engine) -> None:
        from difwatch import acting
        from difwatch.store import writing

        with writing(engine) as connection:
            acting.add_destination(connection, path)

    return here
