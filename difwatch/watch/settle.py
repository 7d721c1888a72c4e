"""When a file is finished: it has been left alone for a while, or the wait has been long enough."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from difwatch.model.files import FileKey, FileState


@dataclass(slots=True)
class _Waiting:
    key: FileKey | None
    noted: float
    touched: float


class Settler:
    """The paths that were touched, each until it is at rest. Times are seconds of the monotonic clock.

    Parameters
    ----------
    quiet
        A path is due when it has been left alone this long,
    ceiling
        or this long after it was first noted, whatever still happens to it.
    """

    def __init__(self, quiet: float, ceiling: float) -> None:
        self._quiet = quiet
        self._ceiling = ceiling
        self._waiting: dict[bytes, _Waiting] = {}
        # At least one entry for each waiting path, never later than its deadline. Touching a path leaves its entry
        # where it is; an entry that comes up too early is put back.
        self._alarms: list[tuple[float, bytes]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def note(self, state: FileState, now: float, age: float | None = None) -> None:
        """Note that a path was touched, and its state.

        ``age`` comes from a walk, which saw no touch: the seconds for which the file has been in this state. With it,
        a path that already waits in the same state does not start again.
        """
        touched = now - (age or 0.0)
        waiting = self._waiting.get(state.path)
        if waiting is None:
            waiting = self._waiting[state.path] = _Waiting(state.key, now, touched)
            heapq.heappush(self._alarms, (self._deadline(waiting), state.path))
        elif age is None or waiting.key != state.key:
            waiting.key, waiting.touched = state.key, max(waiting.touched, touched)

    def due(self, now: float) -> list[FileState]:
        """Remove and return the paths that are at rest, those that came to rest first in front."""
        due = []
        while self._alarms and self._alarms[0][0] <= now:
            _, path = heapq.heappop(self._alarms)
            deadline = self._deadline(self._waiting[path])
            if deadline > now:
                heapq.heappush(self._alarms, (deadline, path))
            else:
                due.append(FileState(path, self._waiting.pop(path).key))
        return due

    def next_deadline(self) -> float | None:
        """Return when to ask again, no later than the next path is due; None if no path waits."""
        return self._alarms[0][0] if self._alarms else None

    def _deadline(self, waiting: _Waiting) -> float:
        return min(waiting.touched + self._quiet, waiting.noted + self._ceiling)
