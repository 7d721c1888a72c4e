"""Values that several commands accept, checked; an error says in one line what is wrong."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from difwatch import paths
from difwatch.clock import SystemClock
from difwatch.errors import UsageError
from difwatch.model.settings import Asked, Settings, similarity_mse

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from difwatch.cli.context import Context
    from difwatch.model.pictures import Level

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


def picture(context: Context, given: str) -> str:
    """Return the path of a picture, named as a person types it or as ``report`` shows it on a terminal.

    That is relative to a watched folder, or to the directory that all of them share.
    """
    if os.path.isabs(given) or os.path.lexists(given) or not context.state_dir.store.exists():  # noqa: PTH117
        return given
    folders = list(context.watched())
    places = {*folders, *([paths.common(folders)] if folders else [])}
    there = {path for place in places if os.path.lexists(path := paths.join(place, os.fsencode(given)))}
    return os.fsdecode(there.pop()) if len(there) == 1 else given


def asked(
    context: Context,
    connection: Connection,
    similarity: str | None = None,
    rotate: bool | None = None,
    same_dim: bool | None = None,
    mirror: bool | None = None,
    act_on: Level | None = None,
) -> Asked:
    """Return what goes before the settings that the store was last kept by.

    Where a configuration file says something else than those, what it says is used, and that is said.
    """
    from difwatch.store import settings

    stored = settings.get_matching(connection)
    configured = context.configured(stored)
    if configured != stored:
        names = [field.name for field in fields(Settings) if _differ(field.name, configured, stored)]
        shown = ", ".join("similarity" if name == "threshold" else name for name in names)
        click.echo(f"difwatch: {shown} as configured now; the last 'difwatch watch' had something else", err=True)
    given = Asked(None, similarity_of(similarity), rotate, same_dim, mirror, act_on)
    return given if configured == stored else replace(given, configured=configured)


def _differ(name: str, a: Settings, b: Settings) -> bool:
    return bool(getattr(a, name) != getattr(b, name))


def similarity_of(given: str | None) -> float | None:
    """Return the mean squared error of ``--similarity``; None if not given.

    Raises
    ------
    UsageError
        It is neither a name nor a number.
    """
    try:
        return None if given is None else similarity_mse(given)
    except ValueError as error:
        raise UsageError(f"--similarity {given!r}: {error}") from error


def watched_directory(connection: Connection, given: str | None, flag: str = "--folder") -> bytes | None:
    """Return the real path of a flag such as ``--folder``, which must lie in a watched folder or hold one."""
    from difwatch.store import folders

    path = real_path(flag, given)
    if path is None:
        return None
    watched = [folder.path for folder in folders.in_force(connection).values()]
    if not any(paths.is_within(path, folder) or paths.is_within(folder, path) for folder in watched):
        raise UsageError(f"{flag} {given}: is no watched folder, nor in one")
    return path
