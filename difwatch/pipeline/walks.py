"""Walks of the watched folders, a part at a time, compared with what is known."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import Engine

from difwatch import paths
from difwatch.clock import Clock
from difwatch.model.files import Change, FileKey, FileState
from difwatch.store import files
from difwatch.tree.roots import Root, innermost
from difwatch.tree.scan import Absent, Blind, Difference, Directory, PassedOver, differences, walk
from difwatch.tree.walked import Walked
from difwatch.watch.presence import Presence

_STEP = 2000  # files looked at at once, so that events and answers are not kept waiting


@dataclass(slots=True)
class _Walk:
    """A walk in progress; ``devices`` are those of the directories looked at, ``seconds`` its duration so far."""

    root: Root
    start: bytes
    differences: Iterator[Difference] = field(default_factory=lambda: iter(()))
    known: int = 0
    missing: list[bytes] = field(default_factory=list)
    away: list[bytes] = field(default_factory=list)
    directories: list[Directory] = field(default_factory=list)
    passed_over: collections.Counter[str] = field(default_factory=collections.Counter)
    is_blind: bool = False
    was_blind: bool = False
    devices: dict[bytes, int | None] = field(default_factory=dict)
    seconds: float = 0.0


class Walks:
    """The walks in progress, one after the other.

    Parameters
    ----------
    roots
        All watched folders.
    presence
        Knows which folders are there, and decides what follows from their walks.
    recipe_id
        The recipe in force; a file that was read under another one is read again.
    """

    def __init__(
        self, engine: Engine, roots: Sequence[Root], presence: Presence, recipe_id: int, clock: Clock
    ) -> None:
        self._engine = engine
        self._roots = roots
        self._presence = presence
        self._recipe_id = recipe_id
        self._clock = clock
        self._going_on: collections.deque[_Walk] = collections.deque()
        self._believed_gone: set[bytes] = set()
        self.blind: set[bytes] = set()
        """Places that could not be read."""

    def __len__(self) -> int:
        return len(self._going_on)

    def begin(self, root: Root, start: bytes | None = None) -> None:
        """Begin a walk of a root, or of a directory in it; the walk replaces those of the same files."""
        new = _Walk(root, root.path if start is None else start)
        self._going_on = collections.deque(
            walk for walk in self._going_on if walk.root is not root or not paths.is_within(walk.start, new.start)
        )
        blind_before = len(self.blind)
        self.blind = {path for path in self.blind if not paths.is_within(path, new.start)}
        new.was_blind = len(self.blind) < blind_before
        elsewhere = frozenset(other.path for other in self._roots if other is not root)
        new.differences = differences(walk(root, new.start, elsewhere), self._known_below(new))
        self._going_on.append(new)

    def step(self, now: float) -> list[FileState]:
        """Continue the first walk; return the paths that must be looked at, with what was seen there."""
        if not self._going_on:
            return []
        current = self._going_on[0]
        began = self._clock.monotonic()
        part = list(islice(current.differences, _STEP))
        current.seconds += self._clock.monotonic() - began
        states = [state for difference in part for state in self._take(current, difference)]
        if len(part) < _STEP:
            self._going_on.popleft()
            states += [FileState(path, None) for path in self._end(current, now)]
        self._believed_gone.update(state.path for state in states if state.key is None)
        return states

    def may_go(self, path: bytes, device: int | None) -> bool:
        """Tell whether a known file that is missing, and was on ``device``, may be forgotten."""
        root = innermost(self._roots, path)
        if root is None:
            return True
        if not self._presence.is_online(root):
            return False
        # A walk has checked the file systems of what it believes gone.
        return path in self._believed_gone or not self._is_elsewhere(root, path, device, {})

    def forget_beliefs(self, decided: Iterable[bytes]) -> None:
        """Forget that paths were believed gone, because they are decided about."""
        self._believed_gone.difference_update(decided)

    def _take(self, current: _Walk, difference: Difference) -> Iterator[FileState]:
        if isinstance(difference, Change):
            yield FileState(difference.path, difference.key)
        elif isinstance(difference, Directory):
            current.directories.append(difference)
        elif isinstance(difference, PassedOver):
            current.passed_over[difference.extension] += 1
        elif isinstance(difference, Blind):
            if not difference.expected:
                current.is_blind = True
                self.blind.add(difference.path)
        elif isinstance(difference, Absent):
            if not current.root.admits_file(difference.path):
                yield FileState(difference.path, None)  # excluded now, there or not
            elif self._is_elsewhere(current.root, difference.path, difference.dev, current.devices):
                current.away.append(difference.path)
            else:
                current.missing.append(difference.path)

    def _end(self, ended: _Walk, now: float) -> Sequence[bytes]:
        if ended.start != ended.root.path:
            if ended.is_blind or ended.was_blind:  # a directory may be unwatched, which only a whole walk finds out
                self._presence.doubt(ended.root, now)
            return ended.missing  # an event named this directory: one more look at each file is enough
        parts = (tuple(ended.missing), tuple(ended.away), tuple(ended.directories), dict(ended.passed_over))
        return self._presence.walk_ended(Walked(ended.root, ended.known, *parts, ended.is_blind, ended.seconds), now)

    def _is_elsewhere(self, root: Root, path: bytes, device: int | None, seen: dict[bytes, int | None]) -> bool:
        if device is None:
            return False
        directory = paths.parent(path)
        if directory not in seen:
            seen[directory] = paths.device_of(directory)
        return self._presence.is_elsewhere(root, device, seen[directory])

    def _known_below(self, current: _Walk) -> Iterator[files.KnownFile]:
        """Yield the rows to compare a walk with; one of another recipe equals no file, so its file is read again."""
        for row in files.below(self._engine, current.start):
            current.known += 1
            usable = row.recipe_id in (None, self._recipe_id)
            yield row if usable else row._replace(key=FileKey(-1, 0, 0, row.key.dev, 0))
