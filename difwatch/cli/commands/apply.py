"""``difwatch apply``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from difwatch.cli.context import Context
from difwatch.cli.matching import matching_options
from difwatch.cli.output import say
from difwatch.errors import UsageError
from difwatch.model.pictures import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from difwatch.actions.move import ActRules
    from difwatch.actions.plan import Step
    from difwatch.cli.acts import ActReport
    from difwatch.model.pictures import Level


@dataclass(frozen=True, slots=True)
class Options:
    """The options as given on the command line."""

    move_to: str | None
    delete: bool
    permanent: bool
    keep_tree: bool | None
    dry_run: bool
    plan: str | None
    yes: bool
    force: bool
    similarity: str | None
    rotate: bool | None
    same_dim: bool | None
    mirror: bool | None
    act_on: Level | None
    folder: str | None
    from_: str | None
    keep_in: str | None
    sidecars: str | None
    across_owners: bool | None

    def kind(self) -> str:
        """Return the kind of act: move, trash or delete.

        Raises
        ------
        UsageError
            None is given, or more than one.
        """
        if (self.move_to is not None) + self.delete + self.permanent != 1:
            raise UsageError("say what to do: one of --move-to DIR, --delete and --permanent")
        if self.move_to is not None:
            return "move"
        return "trash" if self.delete else "delete"


@click.command("apply", short_help="Move or delete the duplicates; --dry-run shows which.")
@click.option("--move-to", metavar="DIR", type=click.Path(file_okay=False), help="Move the duplicates to DIR.")
@click.option("--delete", is_flag=True, help="Put the duplicates into the waste basket.")
@click.option("--permanent", is_flag=True, help="Delete the duplicates for good; nothing brings them back.")
@click.option(
    "--keep-tree/--no-keep-tree", default=None, help="Keep the folder structure of the duplicates below DIR."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--plan", metavar="ID", help="Do exactly what --dry-run showed under ID, or nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--force", is_flag=True, help="Go on even if DIR is on another file system than before.")
@matching_options
@click.option(
    "--act-on", type=click.Choice(LEVELS), help="The least alike that go; edited versions only if asked for."
)
@click.option("--folder", metavar="DIR", type=click.Path(), help="Only pictures below this folder.")
@click.option("--from", "from_", metavar="DIR", type=click.Path(), help="Only pictures below this folder go.")
@click.option("--keep-in", metavar="DIR", type=click.Path(), help="Pictures below this folder are the ones to keep.")
@click.option(
    "--sidecars",
    type=click.Choice(["move", "refuse", "leave"]),
    help="For notes and raw files beside a picture: move them too, keep the picture, or leave them.",
)
@click.option(
    "--across-owners/--no-across-owners",
    default=None,
    help="Let a picture go also for one that belongs to another user.",
)
@click.pass_obj
def command(context: Context, /, **options: Any) -> None:
    """Move or delete the duplicates of all groups.

    The best picture of a group always stays. Right before each act, both files are read again; if one of them is not
    what was indexed, both stay. Nothing is ever overwritten, and 'difwatch undo' puts back what was moved or put into
    the waste basket. Options that are not given are as configured.
    """
    from difwatch.actions.move import goes_along
    from difwatch.actions.plan import Policy, fingerprint
    from difwatch.cli import logs, values
    from difwatch.cli.acts import ActReport
    from difwatch.cli.progress import TaskLine
    from difwatch.clock import SystemClock
    from difwatch.errors import IncompleteError
    from difwatch.service.acting import act_rules
    from difwatch.service.planning import Places, plan_by_hand

    wanted = Options(**options)
    kind, destination = wanted.kind(), values.real_path("--move-to", wanted.move_to)
    configured = context.config()
    context.must_have_store()
    logs.set_up(context.verbose, context.quiet, "text", journal=False)
    context.tell_if_partial()
    is_brief = _is_person() and sys.stdout.isatty() and not (context.verbose or context.quiet or wanted.dry_run)
    report = ActReport(context.quiet, TaskLine(SystemClock(), quiet=False, parts="pictures") if is_brief else None)
    keep_tree = configured.keep_tree if wanted.keep_tree is None else wanted.keep_tree
    policy = Policy(kind, destination, keep_tree)
    with context.reading() as connection:
        below = values.watched_directory(connection, wanted.folder)
        journal = context.state_dir.journal
        asked = values.asked(
            context, connection, wanted.similarity, wanted.rotate, wanted.same_dim, wanted.mirror, wanted.act_on
        )
        goes, stays = (
            values.watched_directory(connection, given, flag)
            for given, flag in ((wanted.from_, "--from"), (wanted.keep_in, "--keep-in"))
        )
        places = Places(below, goes, stays)
        collection, steps = plan_by_hand(connection, journal, policy, asked, places, wanted.force)
    across_owners = configured.across_owners if wanted.across_owners is None else wanted.across_owners
    with act_rules(collection.rules, configured, wanted.sidecars or configured.sidecars, across_owners) as rules:
        name = fingerprint(steps, lambda act: goes_along(act, rules))
        if wanted.plan is not None and wanted.plan != name:
            raise IncompleteError(f"the plan {wanted.plan} is stale: it is {name} now; look at it with --dry-run")
        if wanted.dry_run:
            report.preview(steps, rules)
            again = f"to do exactly this, put --plan {name} in place of --dry-run"
            say(f"{report.total(kind, 'would be ')}; {again}")
            return
        _carry_out(context, steps, rules, report, wanted)
    report.say_total(kind)
    report.raise_for_trouble()


def _is_person() -> bool:
    """Tell whether a person sees what is said, and can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _carry_out(context: Context, steps: Sequence[Step], rules: ActRules, report: ActReport, wanted: Options) -> None:
    """Carry out the plan; ask first if nothing brings the pictures back."""
    from difwatch.actions.access import open_journal
    from difwatch.actions.check import looked_at
    from difwatch.actions.move import carry_out
    from difwatch.actions.plan import Keep
    from difwatch.cli import interrupts, values
    from difwatch.cli.acts import summary
    from difwatch.errors import StoppedError
    from difwatch.service.planning import acts_of
    from difwatch.service.requests import AddDestination, Forget

    acts = acts_of(steps)
    count = len(acts)
    if count and not wanted.yes and (wanted.permanent or (_is_person() and wanted.plan is None)):
        for line in summary(acts):
            click.echo(line, err=True)
        click.confirm("Delete them for good?" if wanted.permanent else "Go on?", abort=True, err=True)
    destination = values.real_path("--move-to", wanted.move_to)
    state_dir = context.state_dir
    with context.writer("apply") as writer:
        if destination is not None and count:
            writer.do(AddDestination(destination))
        with (
            open_journal(state_dir.journal, state_dir.journal_lock, rules.clock) as journal,
            interrupts.noted() as interrupted,
        ):
            rules.decoder.expect(looked_at(acts))
            for step in steps:
                if interrupted.have_come:
                    raise StoppedError(report.stopped(wanted.kind(), count))
                outcome = None if isinstance(step, Keep) else carry_out(step, journal, rules)
                if outcome is not None and outcome.state == "done":
                    writer.do(Forget((outcome.act.image.path,)))
                report.note(step, outcome)
                report.advance(len(steps))
