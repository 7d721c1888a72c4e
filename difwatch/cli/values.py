"""Values that several commands take, checked: one line that says what is wrong where something is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from difwatch.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MSE_MOST = 65025


def real_path(flag: str, given: str | None) -> bytes | None:
    """The real path of what was given, ``~`` expanded; None for nothing."""
    if given is None:
        return None
    if not given:
        raise UsageError(f"{flag} '': name a folder")
    return os.fsencode(os.path.realpath(os.path.expanduser(given)))  # noqa: PTH111  (that of Path raises)


def threshold(given: float | None) -> float | None:
    """A mean squared error."""
    if given is not None and not 0 <= given <= _MSE_MOST:
        raise UsageError(f"--threshold {given:g}: must be a mean squared error from 0 to {_MSE_MOST}")
    return given


def within(connection: Connection, given: str | None) -> bytes | None:
    """A directory that lies in a watched folder, or holds one."""
    from difwatch.store import folders

    path = real_path("--folder", given)
    if path is None:
        return None
    inside = path.rstrip(b"/") + b"/"
    watched = [folder.path.rstrip(b"/") + b"/" for folder in folders.in_force(connection).values()]
    if not any(inside.startswith(one) or one.startswith(inside) for one in watched):
        raise UsageError(f"--folder {given}: is no watched folder, nor in one")
    return path
