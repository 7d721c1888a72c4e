"""Files that could not be read for a reason that may pass, and when they are tried again. Pure."""

from __future__ import annotations

_FIRST, _MOST = 60.0, 3600.0


class Retries:
    """All of them are tried again together, after longer and longer pauses while some are left.

    All times are seconds on one steady clock.
    """

    def __init__(self) -> None:
        self._reasons: dict[bytes, str] = {}
        self._pause = _FIRST
        self._due: float | None = None

    def put(self, path: bytes, reason: str, now: float) -> bool:
        """Take note of a failure; tell whether it is news."""
        news = self._reasons.get(path) != reason
        self._reasons[path] = reason
        if self._due is None:
            self._due = now + self._pause
        return news

    def drop(self, path: bytes) -> None:
        """It was read, or is gone."""
        self._reasons.pop(path, None)
        if not self._reasons:
            self._pause, self._due = _FIRST, None

    def due(self, now: float) -> list[bytes]:
        """What is to be tried again now."""
        if self._due is None or now < self._due:
            return []
        self._pause, self._due = min(2 * self._pause, _MOST), None
        return list(self._reasons)

    def next_deadline(self) -> float | None:
        """When to ask again; None if there is nothing to try."""
        return self._due

    def reasons(self) -> list[tuple[bytes, str]]:
        """The files and why they could not be read, by path."""
        return sorted(self._reasons.items())
