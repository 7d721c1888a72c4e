"""The one place that reads the clock; everything else receives a `Clock`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the current time in UTC, as an aware datetime."""

    def monotonic(self) -> float:
        """Return seconds of the monotonic clock; only differences are meaningful."""

    def since_boot(self) -> float:
        """Return seconds since the machine started, sleep included; equal for all processes of the machine."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the current time in UTC, as an aware datetime."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds of the monotonic clock; only differences are meaningful."""
        return time.monotonic()

    def since_boot(self) -> float:
        """Return seconds since the machine started, sleep included; equal for all processes of the machine."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)
