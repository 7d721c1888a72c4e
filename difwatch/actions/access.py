"""The journal, held by one process at a time; what a kill left open is settled first."""

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
    """Hold the journal, finishing or rolling back first what a kill left open.

    One process acts at a time; another one waits. Needs no right to write to the store.

    Parameters
    ----------
    path
        The journal; made if there is none.
    lock
        A file that is locked meanwhile.
    clock
        Tells when open acts were settled.

    Raises
    ------
    JournalError
        It cannot be used.
    """
    with _locked(lock), contextlib.closing(Journal(path)) as journal:
        for recovered in recover(journal, clock):
            say = log.error if recovered.state == LOST else log.warning
            state = "still open, because its disk is not there" if recovered.state == OPEN else recovered.state
            entry = recovered.entry
            say("%s: the %s that was interrupted is %s", os.fsdecode(entry.source), entry.kind, state)
        yield journal


class KeptFor:
    """Counts for how many pictures that went a content is the one that was kept; nothing where there is no journal.

    Parameters
    ----------
    path
        The journal.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path, readonly=True) if path.exists() else None

    def kept_for(self, digest: bytes) -> int:
        """Return the count for a content."""
        return 0 if self._journal is None else self._journal.kept_for(digest)

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
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
