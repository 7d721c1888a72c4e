"""The one place that reads the clock; everything else is handed a `Clock`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present moment in UTC, with its time zone."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back; only differences have a meaning."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the present moment in UTC, with its time zone."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back; only differences have a meaning."""
        return time.monotonic()
