"""Values that several commands accept, checked; an error says in one line what is wrong."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from difwatch import paths
from difwatch.clock import SystemClock
from difwatch.errors import UsageError
from difwatch.model.settings import MSE_MOST

if TYPE_CHECKING:
    from sqlalchemy import Connection

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str) -> datetime:
    """Return a moment in UTC, from an ISO 8601 time (local without a zone) or an age such as ``2h``.

    Raises
    ------
    UsageError
        The text is neither.
    """
    ago = re.fullmatch(r"(\d+)([smhdw])", text)
    if ago:
        with contextlib.suppress(OverflowError):
            return SystemClock().now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r}: must be a moment such as 2026-11-21T12:00, or how long ago, such as 2h"
        ) from error


def real_path(flag: str, given: str | None) -> bytes | None:
    """Return the real path of an argument, ``~`` expanded; None if not given."""
    if given is None:
        return None
    if not given:
        raise UsageError(f"{flag} '': name a folder")
    return paths.real(given)


def threshold(given: float | None) -> float | None:
    """Return a mean squared error after checking it; None if not given."""
    if given is not None and not 0 <= given <= MSE_MOST:
        raise UsageError(f"--threshold {given:g}: must be a mean squared error from 0 to {MSE_MOST}")
    return given


def watched_directory(connection: Connection, given: str | None) -> bytes | None:
    """Return the real path of ``--folder``, which must lie in a watched folder or hold one."""
    from difwatch.store import folders

    path = real_path("--folder", given)
    if path is None:
        return None
    watched = [folder.path for folder in folders.in_force(connection).values()]
    if not any(paths.is_within(path, folder) or paths.is_within(folder, path) for folder in watched):
        raise UsageError(f"--folder {given}: is no watched folder, nor in one")
    return path
