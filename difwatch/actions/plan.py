"""Deciding what is done with pictures that have a better one; nothing is touched. Pure.

**The survivor invariant.** A picture that goes is a member of a group. The primary of that group stays: it is a
member of none, and only members go. Each member matches its primary directly. So for each picture that goes, one
that it matches stays. `difwatch.actions.move` checks on the disk, at the moment it acts, that both are
unchanged and are not the same file.

A picture with another hard link stays: moving one of its names would free nothing. An animation or a document of
several pages goes only for the same bytes, and nothing else goes for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from difwatch import paths
from difwatch.model.pictures import Group, Image, Level, Member, unseen_frames


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done with duplicates: the pictures of a group that are not its best.

    ``kind`` is move, trash or delete (for good). ``destination`` is where moved pictures go; with ``keep_tree`` they
    keep their directories, below the name of their folder.
    """

    kind: str
    destination: bytes | None = None
    keep_tree: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """A picture that goes, and how alike it is to the keeper.

    ``sse`` is its distance from the keeper, at least 1 unless they look the same. ``limit`` is the largest of
    similar pictures, ``tone_limit`` the largest of their tones, None where these do not count. ``target`` is the
    wanted path of a moved picture; a taken name gets a number.
    """

    kind: str
    image: Image
    keeper: Image
    level: Level
    sse: int
    limit: int
    tone_limit: int | None = None
    target: bytes | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """A duplicate that stays, and why."""

    image: Image
    reason: str


Step = Act | Keep


def plan(
    groups: Iterable[Group],
    policy_of: Callable[[Image], Policy | str],
    folders: Sequence[bytes],
    tone_limit: int | None = None,
) -> list[Step]:
    """Decide for each duplicate whether it goes.

    Parameters
    ----------
    groups
        Disjoint: a picture is the primary of one, a member of one, or in none.
    policy_of
        Returns the policy for a picture, or why it stays.
    folders
        The watched folders.
    tone_limit
        The largest SSE of the tones of a match; None where these do not count.
    """
    steps: list[Step] = []
    for group in groups:
        for member in group.members:
            image, keeper = member.image, group.primary
            policy = policy_of(image)
            reason = policy if isinstance(policy, str) else _why_not(image, keeper, policy)
            if reason is not None or isinstance(policy, str):
                steps.append(Keep(image, reason or ""))
                continue
            steps.append(_act(member, keeper, policy, tone_limit, _target(image.path, policy, folders)))
    return steps


def _act(member: Member, keeper: Image, policy: Policy, tone_limit: int | None, target: bytes | None) -> Act:
    sse = 0 if member.level in ("identical", "duplicate") else max(1, member.errors.sse)
    limit = min(member.image.limit, keeper.limit)
    return Act(policy.kind, member.image, keeper, member.level, sse, limit, tone_limit, target)


def fingerprint(steps: Iterable[Step], along: Callable[[Act], Sequence[bytes]]) -> str:
    """Return a short name of a plan: equal for the same acts on the same bytes with the same sidecars."""
    digest = hashlib.blake2b(digest_size=6)
    for step in steps:
        if isinstance(step, Act):
            for part in (
                step.kind.encode(),
                step.image.path,
                step.image.digest,
                step.keeper.path,
                step.keeper.digest,
            ):
                digest.update(len(part).to_bytes(8) + part)
            digest.update(step.target or b"")
            digest.update(b"\0".join(along(step)))
    return digest.hexdigest()


def _why_not(image: Image, keeper: Image, policy: Policy) -> str | None:
    if image.reference:
        return "it is in a reference folder"
    if image.links:
        return "it has another name (a hard link) that would stay"
    if image.key is not None and keeper.key is not None and _identity(image) == _identity(keeper):
        return "it is the same file as the one to keep"
    if (reason := unseen_frames(image, keeper)) is not None:
        return reason
    if policy.destination is not None and paths.is_below(image.path, policy.destination):
        return "it is in the destination already"
    return None


def _identity(image: Image) -> tuple[int, int] | None:
    return None if image.key is None else (image.key.dev, image.key.inode)


def _target(path: bytes, policy: Policy, folders: Sequence[bytes]) -> bytes | None:
    if policy.destination is None:
        return None
    if not policy.keep_tree:
        return paths.join(policy.destination, paths.name(path))
    holding = [folder for folder in folders if paths.is_below(path, folder)]
    root = max(holding, key=len, default=paths.parent(path))
    below = path.removeprefix(paths.inside(root))
    return paths.join(paths.join(policy.destination, paths.name(root) or b"root"), below)
