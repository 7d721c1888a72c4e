"""Plans of acts on files, made from the store; shared by `difwatch apply` and the daemon."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from difwatch import paths
from difwatch.actions.access import KeptFor
from difwatch.actions.plan import Act, Keep, Policy, Step, plan
from difwatch.errors import IncompleteError, UsageError
from difwatch.matches.collection import Collection
from difwatch.matches.read import read_collection
from difwatch.model.pictures import Image
from difwatch.model.settings import AS_CONFIGURED, Asked
from difwatch.store import destinations, folders


class Kept(Protocol):
    """Knows which contents are needed because others were moved."""

    def kept_for(self, digest: bytes) -> int:
        """Return how many near-duplicates were moved because this content was kept."""


@dataclass(frozen=True, slots=True)
class Places:
    """Which pictures a person speaks of, by directory; None is everywhere.

    Only pictures ``within`` are looked at. Of these only those that ``go_from`` a directory go, and those ``kept_in``
    one are the ones to keep.
    """

    within: bytes | None = None
    go_from: bytes | None = None
    kept_in: bytes | None = None

    def keeps(self, image: Image) -> bool:
        """Tell whether a picture is one to keep, because of where it is."""
        return self.kept_in is not None and paths.is_within(image.path, self.kept_in)

    def refusal(self, image: Image) -> str | None:
        """Return why a picture stays because of where it is; None if it may go."""
        if self.go_from is None or paths.is_within(image.path, self.go_from):
            return None
        return "it is not in the folder of --from"


EVERYWHERE = Places()
"""All pictures."""


def steps(
    collection: Collection,
    policy_of: Callable[[Image], Policy | str],
    kept: Kept,
    excluded: Iterable[bytes],
    unscanned: Iterable[bytes] = (),
) -> list[Step]:
    """Decide what to do with the pictures that have a better one.

    Parameters
    ----------
    collection
        The pictures and how they match. Those in an excluded directory are left out, so nothing is moved because of
        them.
    policy_of
        What to do with a picture, or why nothing.
    kept
        A content that was kept for others stays, because the others would have no match left.
    excluded
        The directories that pictures are or were moved to.
    unscanned
        Folders that were never completely scanned; their pictures stay.
    """
    left_out = tuple(map(paths.inside, excluded))
    waiting = tuple(map(paths.inside, unscanned))
    images = tuple(image for image in collection.images if not image.path.startswith(left_out))
    folders_in_force = [folder.path for folder in collection.rules.folders.values()]

    def policy(image: Image) -> Policy | str:
        if image.path.startswith(waiting):
            return "its folder is not scanned yet"
        return policy_of(image)

    rules = collection.rules
    groups = replace(collection, images=images).groups(rules.settings.act_on)
    planned = plan(groups, policy, folders_in_force, rules.tone_limit)
    return [unless_needed(step, kept) for step in planned]


def unless_needed(step: Step, kept: Kept) -> Step:
    """Return a step, or that the picture stays because others were moved when it was kept."""
    if isinstance(step, Keep) or step.image.digest == step.keeper.digest or step.sse == 0:
        return step
    count = kept.kept_for(step.image.digest)
    return Keep(step.image, f"it was kept for {count} other {'ones' if count > 1 else 'one'}") if count else step


def plan_by_hand(
    connection: Connection,
    journal: Path,
    policy: Policy,
    asked: Asked = AS_CONFIGURED,
    places: Places = EVERYWHERE,
    force: bool = False,
) -> tuple[Collection, list[Step]]:
    """Plan what a person asks for: one policy for all pictures, or for those in some places.

    Raises
    ------
    IncompleteError
        A folder was never completely scanned.
    UsageError
        The destination is not where it was (unless ``force``), or holds what is watched.
    """
    waiting = unscanned(connection)
    if waiting:
        raise IncompleteError(
            f"{os.fsdecode(waiting[0])}: this folder has never been scanned to its end, so better pictures may be "
            "missing; run 'difwatch watch --once' first"
        )
    excluded = set(destinations.all_of(connection))
    if policy.destination is not None:
        trouble = destinations.trouble(connection, policy.destination, elsewhere=force)
        if trouble is not None:
            raise UsageError(trouble)
        excluded.add(policy.destination)
    collection = read_collection(connection, asked, places.within)
    images = tuple(replace(image, reference=image.reference or places.keeps(image)) for image in collection.images)
    collection = replace(collection, images=images)
    with contextlib.closing(KeptFor(journal)) as kept:
        return collection, steps(collection, lambda image: places.refusal(image) or policy, kept, excluded)


def unscanned(connection: Connection) -> list[bytes]:
    """Return the folders in force that were never completely scanned."""
    return [counts.path for counts in folders.counts(connection) if counts.scanned is None]


def policy_by_folder(policies: Mapping[bytes, Policy], watched: Sequence[bytes]) -> Callable[[Image], Policy | str]:
    """Return a function from a picture to the policy of the innermost folder that holds it."""

    def policy_of(image: Image) -> Policy | str:
        holding = [path for path in watched if paths.is_below(image.path, path)]
        return policies.get(max(holding, key=len, default=b""), 'the action of its folder is "log"')

    return policy_of


def acts_of(planned: Iterable[Step]) -> list[Act]:
    """Return the steps that are acts."""
    return [step for step in planned if isinstance(step, Act)]
