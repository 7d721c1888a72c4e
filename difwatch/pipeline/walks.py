"""Walks of the watched folders, a part at a time, compared with what is known."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import Engine

from difwatch.model import Change, FileKey, FileState
from difwatch.store import files
from difwatch.watch import Absent, Blind, Directory, Root, Walked, differences, walk

_STEP = 2000  # files looked at at once, so that events and answers are not kept waiting
Ended = Callable[[Walked, float], Sequence[bytes]]
"""Told what a complete walk showed, and when it ended; gives the known files that are believed to be gone."""


@dataclass(slots=True)
class _Walk:
    root: Root
    start: bytes
    changes: Iterator[Change | Absent | Blind | Directory | None] = field(default_factory=lambda: iter(()))
    known: int = 0
    missing: list[bytes] = field(default_factory=list)
    away: list[bytes] = field(default_factory=list)
    directories: list[Directory] = field(default_factory=list)
    is_blind: bool = False
    was_blind: bool = False
    devices: dict[bytes, int | None] = field(default_factory=dict)
    seconds: float = 0.0

    def holds(self, path: bytes) -> bool:
        return path == self.start or path.startswith(self.start.rstrip(b"/") + b"/")


class Walks:
    """The walks that go on, one after the other.

    Parameters
    ----------
    engine
        Of the store.
    roots
        All watched folders.
    recipe_id
        In force; what was read under another one is read again.
    device_now
        The number that a device has now, for one that a file of a folder was read on.
    ended
        Told when the walk of a whole folder has ended.
    clock
        Tells steady seconds, to know how long a walk takes.
    doubt
        Told when the walk of a part of a folder met what could not be read, or could not be read before.
    """

    def __init__(
        self,
        engine: Engine,
        roots: Sequence[Root],
        recipe_id: int,
        device_now: Callable[[Root, int], int],
        ended: Ended,
        doubt: Callable[[Root, float], None],
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._engine = engine
        self._roots = roots
        self._recipe_id = recipe_id
        self._device_now = device_now
        self._ended = ended
        self._doubt = doubt
        self._going_on: collections.deque[_Walk] = collections.deque()
        self.blind: set[bytes] = set()
        """Places that could not be read."""

    def __len__(self) -> int:
        return len(self._going_on)

    def begin(self, root: Root, start: bytes | None = None) -> None:
        """Begin a walk of a root, or of a directory in it; it takes the place of those of the same files."""
        one = _Walk(root, root.path if start is None else start)
        self._going_on = collections.deque(
            other for other in self._going_on if other.root is not root or not one.holds(other.start)
        )
        before = len(self.blind)
        self.blind = {path for path in self.blind if not one.holds(path.rstrip(b"/"))}
        one.was_blind = len(self.blind) < before
        elsewhere = frozenset(other.path for other in self._roots if other is not root)
        one.changes = differences(walk(root, one.start, elsewhere), self._known_below(one))
        self._going_on.append(one)

    def step(self, now: float) -> list[FileState]:
        """Go on; gives the paths that must be looked at, with what was seen there."""
        if not self._going_on:
            return []
        one = self._going_on[0]
        began = self._clock()
        some = list(islice(one.changes, _STEP))
        one.seconds += self._clock() - began
        found = [state for item in some for state in self._take(one, item)]
        if len(some) < _STEP:
            self._going_on.popleft()
            found += [FileState(path, None) for path in self._end(one, now)]
        return found

    def _take(self, one: _Walk, item: Change | Absent | Blind | Directory | None) -> Iterator[FileState]:
        if isinstance(item, Change):
            yield FileState(item.path, item.key)
        elif isinstance(item, Directory):
            one.directories.append(item)
        elif isinstance(item, Blind):
            if not item.expected:
                one.is_blind = True
                self.blind.add(item.path)
        elif item is not None:
            if not one.root.admits_file(item.path):
                yield FileState(item.path, None)  # there or not, it counts no more
            elif self.is_away(one.root, item.path, item.dev, one.devices):
                one.away.append(item.path)
            else:
                one.missing.append(item.path)

    def _end(self, one: _Walk, now: float) -> Sequence[bytes]:
        if one.start != one.root.path:
            if one.is_blind or one.was_blind:  # it may not be watched, and only a whole walk finds that out
                self._doubt(one.root, now)
            return one.missing  # an event told of this directory: each is looked at once more, and then believed
        parts = (tuple(one.missing), tuple(one.away), tuple(one.directories))
        return self._ended(Walked(one.root, one.known, *parts, one.is_blind, one.seconds), now)

    def is_away(
        self, root: Root, path: bytes, device: int | None, seen: dict[bytes, int | None] | None = None
    ) -> bool:
        """Tell whether another file system is now where a file was, on a device; ``seen`` spares looking twice."""
        if device is None or root.is_layered:
            return False
        devices = {} if seen is None else seen
        directory = path.rpartition(b"/")[0]
        if directory not in devices:
            devices[directory] = _device_of_nearest(directory)
        return devices[directory] not in (None, self._device_now(root, device))

    def _known_below(self, one: _Walk) -> Iterator[files.KnownFile]:
        """The rows to compare a walk with; one of another recipe is like no file, so that it is read again."""
        for row in files.below(self._engine, one.start):
            one.known += 1
            usable = row.recipe_id in (None, self._recipe_id)
            yield row if usable else row._replace(key=FileKey(-1, 0, 0, row.key.dev, 0))


def _device_of_nearest(directory: bytes) -> int | None:
    """The device of a directory, or of the nearest one above it that is there."""
    while True:
        try:
            return os.lstat(directory).st_dev
        except (FileNotFoundError, NotADirectoryError):
            directory = directory.rpartition(b"/")[0] or b"/"
        except OSError:
            return None
