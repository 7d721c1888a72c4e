"""Moments as people type them."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta

from difwatch.errors import UsageError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str) -> str:
    """A moment in UTC, ISO 8601: given so (local time without a zone), or as how long ago it was.

    Raises
    ------
    UsageError
        It is neither.
    """
    ago = re.fullmatch(r"(\d+)([smhdw])", text)
    if ago:
        with contextlib.suppress(OverflowError):
            return (datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})).isoformat()
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r}: must be a moment such as 2026-11-21T12:00, or how long ago, such as 2h"
        ) from error
