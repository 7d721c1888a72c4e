"""Moving and deleting what a search found."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from pathlib import Path

import click

from difwatch import paths
from difwatch.actions.access import open_journal
from difwatch.actions.check import looked_at
from difwatch.actions.move import ActRules, Outcome, carry_out
from difwatch.actions.plan import Act, Policy, plan
from difwatch.clock import SystemClock
from difwatch.control.state_dir import StateDir, default_state_dir
from difwatch.errors import ActionError
from difwatch.extensions import is_image_name
from difwatch.matches.collection import Collection
from difwatch.model.jobs import WorkerLimits
from difwatch.model.pictures import Group, Image
from difwatch.shown import shown, shown_path
from difwatch.workers.decoder import Decoding, WorkerDecoder


def act(collection: Collection, wanted: Set[bytes], policy: Policy, state_dir: Path | None) -> list[Outcome]:
    """Carry out a policy on some of the pictures that have a better one; return what became of each.

    Parameters
    ----------
    wanted
        The paths of these pictures. One that lies in the destination already is left out.
    state_dir
        Where the journal of moves is, if not in the usual place.
    """
    groups = [_at_real_paths(group) for group in _asked(collection, wanted, policy.destination)]
    steps = plan(groups, lambda image: policy, [], collection.rules.tone_limit)
    place = StateDir(state_dir) if state_dir else default_state_dir(os.environ)
    clock, rules = SystemClock(), collection.rules
    decoding = Decoding(
        rules.px, rules.recipe, worker=WorkerLimits(apart=True), processes=len(os.sched_getaffinity(0))
    )
    with (
        contextlib.closing(WorkerDecoder(decoding, clock)) as decoder,
        open_journal(place.journal, place.journal_lock, clock) as journal,
    ):
        named = {paths.parent(image.path) for group in groups for image in (group.primary, *_images(group))}
        act_rules = ActRules(
            decoder, is_image_name, clock, environment=dict(os.environ), user=os.getuid(), watched=sorted(named)
        )
        acts = [step for step in steps if isinstance(step, Act)]
        decoder.expect(looked_at(acts))
        return [carry_out(act, journal, act_rules) for act in acts]


def complain(outcomes: Sequence[Outcome]) -> None:
    """Print what stays, and why.

    Raises
    ------
    ActionError
        A file operation failed.
    """
    for outcome in outcomes:
        if outcome.state != "done":
            click.echo(f"stays: {shown_path(outcome.act.image.path)}: {shown(outcome.reason or '')}", err=True)
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    if failed:
        path = shown_path(failed[0].act.image.path)
        raise ActionError(f"{path}: {failed[0].reason}; it and {len(failed) - 1} others are where they were")


def _asked(collection: Collection, wanted: Set[bytes], destination: bytes | None) -> Iterator[Group]:
    images = [
        image
        for image in collection.images
        if destination is None or not paths.is_below(_real(image.path), destination)
    ]
    for group in replace(collection, images=tuple(images)).groups():
        members = tuple(member for member in group.members if member.image.path in wanted)
        if members:
            yield replace(group, members=members)


def _images(group: Group) -> Iterator[Image]:
    return (member.image for member in group.members)


def _real(path: bytes) -> bytes:
    return os.path.realpath(path)


def _at_real_paths(group: Group) -> Group:
    def real(image: Image) -> Image:
        return replace(image, path=_real(image.path))

    members = tuple(replace(member, image=real(member.image)) for member in group.members)
    return replace(group, primary=real(group.primary), members=members)
