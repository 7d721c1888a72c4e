"""From what the store knows to acts on files: what `difwatch apply` and the daemon share."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine

from difwatch.actions.journal import LOST, OPEN, Journal
from difwatch.actions.move import Outcome, Rules, carry_out
from difwatch.actions.plan import Act, Keep, Policy, Step, plan
from difwatch.actions.recover import recover
from difwatch.errors import IncompleteError, JournalError
from difwatch.model import Image
from difwatch.report.summary import Summary
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
    summary: Summary, policy_of: Callable[[Image], Policy | str], unscanned: Iterable[bytes] = ()
) -> list[Step]:
    """What is to be done with the lesser pictures; those of folders that are not known whole yet stay."""
    paths = [folder.path for folder in summary.folders.values()]
    waiting = tuple(path.rstrip(b"/") + b"/" for path in unscanned)

    def policy(image: Image) -> Policy | str:
        return "its folder is not scanned yet" if image.path.startswith(waiting) else policy_of(image)

    return plan(summary.groups(), policy if waiting else policy_of, paths)


def refuse_unscanned(connection: Connection) -> None:
    """Refuse to act while a folder has never been scanned to its end.

    Raises
    ------
    IncompleteError
        Naming it.
    """
    waiting = unscanned(connection)
    if waiting:
        raise IncompleteError(
            f"{os.fsdecode(waiting[0])}: this folder has never been scanned to its end, so better pictures may be "
            "missing; run 'difwatch watch --once' first"
        )


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


def destinations(connection: Connection) -> frozenset[bytes]:
    """Where pictures were ever moved to: never searched, wherever it lies."""
    found = settings.get(connection, _DESTINATIONS)
    return frozenset(os.fsencode(path) for path in found) if isinstance(found, list) else frozenset()


def add_destination(connection: Connection, path: bytes) -> None:
    """Remember where pictures are moved to."""
    known = destinations(connection)
    if path not in known:
        settings.put(connection, _DESTINATIONS, sorted(os.fsdecode(one) for one in known | {path}))


def policy_by_folder(policies: Mapping[bytes, Policy], paths: Sequence[bytes]) -> Callable[[Image], Policy | str]:
    """The policy of the innermost folder that holds a picture."""

    def policy_of(image: Image) -> Policy | str:
        inside = [path for path in paths if image.path.startswith(path.rstrip(b"/") + b"/")]
        return policies.get(max(inside, key=len, default=b""), 'the action of its folder is "log"')

    return policy_of


def acts_of(some: Iterable[Step]) -> list[Act]:
    """Those of the steps that do something."""
    return [step for step in some if isinstance(step, Act)]
