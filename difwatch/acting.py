"""From what the store knows to acts on files: what `difwatch apply` and the daemon share."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, Engine

from difwatch.actions.directory import nearest
from difwatch.actions.journal import LOST, OPEN, Journal, signed
from difwatch.actions.move import Outcome, Rules, carry_out
from difwatch.actions.plan import Act, Keep, Policy, Step, plan
from difwatch.actions.recover import recover
from difwatch.errors import IncompleteError, JournalError, UsageError
from difwatch.model import Image
from difwatch.report.summary import Summary, summarize
from difwatch.store import files, folders, settings, writing

log = logging.getLogger(__name__)

JOURNAL = "moves.db"
_LOCK = "moves.lock"
_DESTINATIONS = "destinations"


@contextlib.contextmanager
def journal_of(state_dir: Path, now: Callable[[], str]) -> Iterator[Journal]:
    """Hold the journal, finishing or rolling back first what a kill left open.

    One process acts at a time; another one waits. Needs no right to write to the store.

    Raises
    ------
    JournalError
        It cannot be used.
    """
    with _alone(state_dir / _LOCK), contextlib.closing(Journal(state_dir / JOURNAL)) as journal:
        for one in recover(journal, now):
            say = log.error if one.state == LOST else log.warning
            state = "still open, because its disk is not there" if one.state == OPEN else one.state
            say("%s: the %s that was interrupted is %s", os.fsdecode(one.entry.source), one.entry.kind, state)
        yield journal


@contextlib.contextmanager
def kept_for(state_dir: Path) -> Iterator[Callable[[bytes], int]]:
    """Give a function that tells for how many pictures that went a content was the one to keep."""
    path = state_dir / JOURNAL
    if not path.exists():
        yield lambda digest: 0
        return
    with contextlib.closing(Journal(path, readonly=True)) as journal:
        yield journal.kept_for


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(f"{path}: cannot be made ({error.strerror}); nothing is moved without it") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def steps(
    summary: Summary,
    policy_of: Callable[[Image], Policy | str],
    kept_for: Callable[[bytes], int],
    destinations: Iterable[bytes],
    unscanned: Iterable[bytes] = (),
) -> list[Step]:
    """What is to be done with the lesser pictures.

    Parameters
    ----------
    summary
        The pictures and how they match; those in a destination are left out, so they keep no other one from staying.
    policy_of
        What is to be done with a picture, or why nothing.
    kept_for
        For how many pictures that went a content was the one to keep: it stays, or these would have no match left.
    destinations
        Where pictures go, or ever went.
    unscanned
        Folders that are not known whole yet.
    """
    apart = tuple(path.rstrip(b"/") + b"/" for path in destinations)
    waiting = tuple(path.rstrip(b"/") + b"/" for path in unscanned)
    images = tuple(image for image in summary.images if not image.path.startswith(apart))
    paths = [folder.path for folder in summary.folders.values()]

    def policy(image: Image) -> Policy | str:
        if image.path.startswith(waiting):
            return "its folder is not scanned yet"
        return policy_of(image)

    planned = plan(replace(summary, images=images).groups(), policy, paths)
    return [_unless_needed(step, kept_for) for step in planned]


def _unless_needed(step: Step, kept_for: Callable[[bytes], int]) -> Step:
    if isinstance(step, Keep) or step.image.digest == step.keeper.digest or step.sse == 0:
        return step
    count = kept_for(step.image.digest)
    return Keep(step.image, f"it was kept for {count} other {'ones' if count > 1 else 'one'}") if count else step


def planned(
    connection: Connection,
    state_dir: Path,
    policy: Policy,
    threshold: float | None = None,
    within: bytes | None = None,
    force: bool = False,
) -> tuple[Summary, list[Step]]:
    """Plan what a person asks for: one policy for all pictures, or for those below a directory.

    Raises
    ------
    IncompleteError
        A folder has never been scanned to its end.
    UsageError
        The destination is not where it was (unless ``force``), or holds what is watched.
    """
    waiting = unscanned(connection)
    if waiting:
        raise IncompleteError(
            f"{os.fsdecode(waiting[0])}: this folder has never been scanned to its end, so better pictures may be "
            "missing; run 'difwatch watch --once' first"
        )
    apart = set(destinations(connection))
    if policy.destination is not None:
        trouble = trouble_with_destination(connection, policy.destination)
        if trouble is not None and not force:
            raise UsageError(trouble)
        apart.add(policy.destination)
    summary = summarize(connection, threshold, within)
    with kept_for(state_dir) as kept:
        return summary, steps(summary, lambda image: policy, kept, apart)


def unscanned(connection: Connection) -> list[bytes]:
    """The folders in force that were never scanned to their end."""
    return [one.path for one in folders.counts(connection) if one.scanned is None]


def act(some: Iterable[Step], journal: Journal, rules: Rules) -> Iterator[tuple[Step, Outcome | None]]:
    """Do what was planned, one after the other; what stays is passed on."""
    for step in some:
        yield step, None if isinstance(step, Keep) else carry_out(step, journal, rules)


def forget(engine: Engine, outcome: Outcome | None) -> None:
    """Let the store forget a picture that went, before the event of it comes."""
    if outcome is not None and outcome.state == "done":
        with writing(engine) as connection:
            files.remove(connection, [outcome.act.image.path])


def destinations(connection: Connection) -> dict[bytes, int]:
    """Where pictures were ever moved to: never searched, wherever it lies; and the file system each was on then."""
    found = settings.get(connection, _DESTINATIONS)
    return {os.fsencode(path): fsid for path, fsid in found.items()} if isinstance(found, dict) else {}


def add_destination(connection: Connection, path: bytes) -> None:
    """Remember where pictures are moved to, and on which file system that is."""
    known = destinations(connection) | {path: _fsid(path)}
    settings.put(connection, _DESTINATIONS, {os.fsdecode(one): fsid for one, fsid in known.items()})


def recall_destinations(connection: Connection, journal: Journal, watched: Sequence[bytes]) -> None:
    """Remember again where pictures were moved to, if the store is new; but no place that is or holds a folder."""
    if settings.get(connection, _DESTINATIONS) is not None:
        return
    known: tuple[bytes, ...] = ()
    for path in sorted(journal.destinations()):
        inside = path.rstrip(b"/") + b"/"
        if not inside.startswith(known) and not any((one.rstrip(b"/") + b"/").startswith(inside) for one in watched):
            known = (*known, inside)
            add_destination(connection, path)


def trouble_with_destination(connection: Connection, path: bytes) -> str | None:
    """Why nothing must be moved there now; None if it can be."""
    before = destinations(connection).get(path)
    if before is not None and before != _fsid(path):
        return f"{os.fsdecode(path)}: is on another file system than it was (is its disk mounted?)"
    for folder in folders.in_force(connection).values():
        if (folder.path.rstrip(b"/") + b"/").startswith(path.rstrip(b"/") + b"/"):
            return f"{os.fsdecode(path)}: holds the watched folder {os.fsdecode(folder.path)}; choose another place"
    return None


def _fsid(path: bytes) -> int:
    return signed(os.statvfs(nearest(path)).f_fsid)


def policy_by_folder(policies: Mapping[bytes, Policy], paths: Sequence[bytes]) -> Callable[[Image], Policy | str]:
    """The policy of the innermost folder that holds a picture."""

    def policy_of(image: Image) -> Policy | str:
        inside = [path for path in paths if image.path.startswith(path.rstrip(b"/") + b"/")]
        return policies.get(max(inside, key=len, default=b""), 'the action of its folder is "log"')

    return policy_of


def acts_of(some: Iterable[Step]) -> list[Act]:
    """Those of the steps that do something."""
    return [step for step in some if isinstance(step, Act)]
