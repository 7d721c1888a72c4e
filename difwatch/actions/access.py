"""The journal, held by one process at a time; acts that a kill left open are settled first."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from difwatch.actions.entry import LOST, OPEN
from difwatch.actions.journal import Journal
from difwatch.actions.recover import recover
from difwatch.clock import Clock
from difwatch.errors import JournalError

log = logging.getLogger(__name__)


@contextlib.contextmanager
def open_journal(path: Path, lock: Path, clock: Clock) -> Iterator[Journal]:
    """Hold the journal, after finishing or rolling back the acts that a kill left open.

    One process acts at a time; others wait. The right to write to the store is not needed.

    Parameters
    ----------
    path
        The journal; created if missing.
    lock
        The file that is locked while the journal is held.
    clock
        Dates the settled acts.

    Raises
    ------
    JournalError
        The journal cannot be used.
    """
    with _locked(lock), contextlib.closing(Journal(path)) as journal:
        for recovered in recover(journal, clock):
            say = log.error if recovered.state == LOST else log.warning
            state = (
                "still open, because its disk is not there or cannot be written"
                if recovered.state == OPEN
                else recovered.state
            )
            entry = recovered.entry
            say("%s: the %s that was interrupted is %s", os.fsdecode(entry.source), entry.kind, state)
        yield journal


class KeptFor:
    """Counts the near-duplicates that were moved in favour of a content; 0 where there is no journal.

    Parameters
    ----------
    path
        The journal.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path, readonly=True) if path.exists() else None

    def kept_for(self, digest: bytes) -> int:
        """Return the number of near-duplicates moved in favour of a content."""
        return 0 if self._journal is None else self._journal.kept_for(digest)

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise JournalError(f"{path}: cannot be made ({error.strerror}); nothing is moved without it") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
