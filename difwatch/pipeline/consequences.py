"""What follows from decisions and kept batches: what is looked at again, tried later, or logged."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlalchemy import Engine

from difwatch.matches.news import new_matches
from difwatch.pipeline.announce import announce_gone, announce_matches, announce_moved, announce_unreadable
from difwatch.pipeline.decide import Decision, Verdict
from difwatch.pipeline.keep import BatchResult
from difwatch.pipeline.postponed import PostponedFiles
from difwatch.pipeline.renames import Renames
from difwatch.pipeline.resting import Resting
from difwatch.store import reading

log = logging.getLogger(__name__)


class NewPictures(Protocol):
    """Receives the pictures that are new."""

    def note(self, new: Sequence[bytes]) -> None:
        """Note files that were read and kept."""


class Consequences:
    """Acts on decisions and on kept batches. Times are seconds of the monotonic clock.

    Parameters
    ----------
    engine
        The writer of the store; only read.
    px
        The side of the tensors.
    resting
        Receives the paths that must be looked at again.
    """

    def __init__(self, engine: Engine, px: int, resting: Resting, new_pictures: NewPictures) -> None:
        self._engine = engine
        self._px = px
        self._resting = resting
        self._new_pictures = new_pictures
        self._postponed = PostponedFiles()
        self._renames = Renames()

    def decided(self, decisions: Iterable[Decision]) -> set[bytes]:
        """Process decisions; return the old paths that must not be forgotten before their new ones are kept."""
        for decision in decisions:
            path = decision.state.path
            if decision.verdict in (Verdict.SAME, Verdict.RENUMBERED, Verdict.GONE, Verdict.UNWANTED):
                self._postponed.drop(path)
            self._end_rename(path)
            if decision.source is not None:
                self._renames.begin(path, decision.source)
        return self._renames.sources()

    def kept(self, result: BatchResult, now: float) -> None:
        """Process the result of a batch."""
        read = [answer.path for answer in result.read]
        unreadable = [answer.path for answer in result.unreadable]
        for path in (*read, *unreadable, *result.forgotten):
            self._postponed.drop(path)
        for postponed in result.postponed:
            self._end_rename(postponed.path)
            self.postpone(postponed.path, postponed.reason, now)
        for path in result.being_written:
            if self._postponed.is_patient(path, now):
                self._resting.look_again([path], now)
            else:
                self.postpone(path, "another process has it open for writing", now)
        self._resting.look_again(result.unsettled, now)
        for path in unreadable:
            self._end_rename(path)
        new = self._new(result)
        announce_unreadable(result.unreadable)
        announce_gone([path for path in result.forgotten if not self._renames.was_left(path)])
        if new:
            with reading(self._engine) as connection:
                news = new_matches(connection, new)
            announce_matches(news, self._px)
            self._new_pictures.note(new)

    def postpone(self, path: bytes, reason: str, now: float) -> None:
        """Try a file again later."""
        if self._postponed.put(path, reason, now):
            log.warning("%s: %s; what is known of it is kept", os.fsdecode(path), reason)

    def try_again(self, now: float) -> None:
        """Queue the postponed files that are due."""
        self._resting.look_again(self._postponed.due(now), now)

    def next_deadline(self) -> float | None:
        """Return when to call `try_again`; None if nothing is postponed."""
        return self._postponed.next_deadline()

    def troubles(self) -> list[str]:
        """Return what could not be read and may be readable later, in words."""
        return [f"{os.fsdecode(path)}: {reason}" for path, reason in self._postponed.reasons()]

    def _new(self, result: BatchResult) -> list[bytes]:
        """Return the kept paths whose matches are news, which those of moved files are not."""
        new, moved = [], []
        for answer in result.read:
            source = self._end_rename(answer.path, answer.known)
            if source is not None and answer.known:
                moved.append((answer.path, source))
            else:
                new.append(answer.path)
        announce_moved(moved)
        return new

    def _end_rename(self, path: bytes, is_kept: bool = False) -> bytes | None:
        source = self._renames.end(path, is_kept)
        if source is not None:
            self._resting.look_at_once(source)
        return source
