"""Files that cannot be read now, and when they are tried again. Pure.

A file that failed is tried again after longer and longer pauses. A file that another process is writing to is tried
again after each quiet period; after a minute of that, it counts as failed.
"""

from __future__ import annotations

_FIRST, _MOST = 60.0, 3600.0
_WRITTEN_SECONDS = 60.0


class PostponedFiles:
    """Files that cannot be read now, by path. All times are seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._reasons: dict[bytes, str] = {}
        self._written_since: dict[bytes, float] = {}
        self._pause = _FIRST
        self._due: float | None = None

    def put(self, path: bytes, reason: str, now: float) -> bool:
        """Note a failure; tell whether its reason is news."""
        is_news = self._reasons.get(path) != reason
        self._reasons[path] = reason
        if self._due is None:
            self._due = now + self._pause
        return is_news

    def is_patient(self, path: bytes, now: float) -> bool:
        """Note that another process is writing to a file; tell whether to try the file again soon."""
        return now - self._written_since.setdefault(path, now) < _WRITTEN_SECONDS

    def drop(self, path: bytes) -> None:
        """Note that a file was read, or is gone."""
        self._written_since.pop(path, None)
        self._reasons.pop(path, None)
        if not self._reasons:
            self._pause, self._due = _FIRST, None

    def due(self, now: float) -> list[bytes]:
        """Return the files to try again now: all that failed, together."""
        if self._due is None or now < self._due:
            return []
        self._pause, self._due = min(2 * self._pause, _MOST), None
        return list(self._reasons)

    def next_deadline(self) -> float | None:
        """Return when to call `due` again; None if no file failed."""
        return self._due

    def reasons(self) -> list[tuple[bytes, str]]:
        """Return the files that failed and why, sorted by path."""
        return sorted(self._reasons.items())
