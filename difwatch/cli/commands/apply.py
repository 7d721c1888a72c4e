"""``difwatch apply``."""

from __future__ import annotations

import click

from difwatch.cli.context import Context
from difwatch.cli.output import say


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
    context: Context,
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
    from difwatch.actions.access import open_journal
    from difwatch.actions.move import carry_out, goes_along
    from difwatch.actions.plan import Keep, Policy, fingerprint
    from difwatch.cli import logs, values
    from difwatch.cli.acts import ActReport, act_rules
    from difwatch.cli.writer import Writer
    from difwatch.errors import IncompleteError, UsageError
    from difwatch.service.planning import acts_of, plan_by_hand
    from difwatch.service.requests import AddDestination, Forget

    if (move_to is not None) + delete + permanent != 1:
        raise UsageError("say what to do: one of --move-to DIR, --delete and --permanent")
    kind = "move" if move_to else "trash" if delete else "delete"
    destination = values.real_path("--move-to", move_to)
    threshold = values.threshold(threshold)
    configured = context.config()
    context.must_have_store()
    logs.set_up(context.verbose, context.quiet, "text", journal=False)
    report = ActReport(context.quiet)
    policy = Policy(kind, destination, configured.keep_tree if keep_tree is None else keep_tree)
    with context.reading() as connection:
        below = values.watched_directory(connection, folder)
        journal_file = context.state_dir.journal
        collection, steps = plan_by_hand(connection, journal_file, policy, threshold, below, force)
    rules = act_rules(collection.rules.px, collection.rules.recipe, sidecars or configured.sidecars)
    name = fingerprint(steps, lambda act: goes_along(act, rules))
    if plan is not None and plan != name:
        raise IncompleteError(f"the plan {plan} is stale: it is {name} now; look at it with --dry-run")
    if dry_run:
        report.preview(steps, rules)
        again = f"to do exactly this, put --plan {name} in place of --dry-run"
        say(f"{report.total(kind, 'would be ')}; {again}")
        return
    count = len(acts_of(steps))
    if permanent and not yes and count:
        click.confirm(f"Delete {count} pictures for good?", abort=True, err=True)
    with Writer(context) as writer:
        if destination is not None and count:
            writer.do(AddDestination(destination))
        with open_journal(journal_file, context.state_dir.journal_lock, rules.clock) as journal:
            for step in steps:
                outcome = None if isinstance(step, Keep) else carry_out(step, journal, rules)
                if outcome is not None and outcome.state == "done":
                    writer.do(Forget((outcome.act.image.path,)))
                report.note(step, outcome)
    say(report.total(kind, ""))
    report.raise_for_trouble()
