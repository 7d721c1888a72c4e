"""Paths that were touched, until they are at rest: files to look at, and directories to walk."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence

from difwatch import paths
from difwatch.model.files import Change, ChangeKind, FileState
from difwatch.tree.roots import Root, innermost
from difwatch.watch.settle import Settler

_CROWDED = 50_000  # files at rest beyond which walks wait, because memory is limited
_LONG_AGO = 1e9


class Resting:
    """Paths that were touched. Times are seconds of the monotonic clock.

    Parameters
    ----------
    roots
        The watched folders.
    quiet, ceiling
        Seconds, as for a `Settler`.
    """

    def __init__(self, roots: Sequence[Root], quiet: float, ceiling: float) -> None:
        self._roots = roots
        self._files = Settler(quiet, ceiling)
        self._trees = Settler(quiet, ceiling)
        self._ready: collections.deque[FileState] = collections.deque()

    @property
    def settling(self) -> int:
        """The number of paths that are not at rest yet."""
        return len(self._files) + len(self._trees)

    @property
    def ready(self) -> int:
        """The number of files that are at rest and were not taken."""
        return len(self._ready)

    @property
    def is_crowded(self) -> bool:
        """Whether so many files are at rest that walks should wait."""
        return len(self._ready) >= _CROWDED

    def note(self, changes: Iterable[Change], now: float) -> None:
        """Note what the system reported."""
        for change in changes:
            root = innermost(self._roots, change.path)
            if change.kind is ChangeKind.TREE:
                self._trees.note(FileState(change.path, None), now)
            elif root is not None and root.admits_file(change.path):
                self._files.note(FileState(change.path, None), now)

    def note_found(self, states: Iterable[FileState], now: float, wall: float) -> None:
        """Note what a walk found; ``wall`` is the wall clock in seconds since 1970."""
        for state in states:
            age = _LONG_AGO if state.key is None else max(0.0, wall - state.key.mtime_ns / 1e9)
            self._files.note(state, now, age)

    def look_again(self, again: Iterable[bytes], now: float) -> None:
        """Queue paths to be looked at after a quiet period."""
        for path in again:
            self._files.note(FileState(path, None), now)

    def look_at_once(self, path: bytes) -> None:
        """Queue a path to be looked at without a quiet period."""
        self._files.note(FileState(path, None), 0.0, _LONG_AGO)

    def settle(self, now: float) -> None:
        """Make the files that are at rest by now ready."""
        self._ready.extend(self._files.due(now))

    def take(self, most: int) -> list[FileState]:
        """Take out files that are at rest, oldest first."""
        return [self._ready.popleft() for _ in range(min(most, len(self._ready)))]

    def due_trees(self, now: float) -> list[tuple[Root, bytes]]:
        """Take out the directories that are at rest and must be walked; of nested ones, only the outer one."""
        due: list[tuple[Root, bytes]] = []
        for state in sorted(self._trees.due(now), key=lambda state: state.path):
            root = innermost(self._roots, state.path)
            is_inner = any(root is other and paths.is_below(state.path, path) for other, path in due)
            if root is not None and not is_inner and root.admits_directory(state.path):
                due.append((root, state.path))
        return due

    def deadlines(self) -> list[float | None]:
        """Return when files and directories are at rest next; None where nothing waits."""
        return [self._files.next_deadline(), self._trees.next_deadline()]
