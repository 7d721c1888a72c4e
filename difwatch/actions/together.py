"""A picture and its sidecars: all of them go, or none does."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

from difwatch.actions.check import RefusedError, opened
from difwatch.actions.directory import Place
from difwatch.actions.entry import Entry
from difwatch.actions.transfer import File, put_back, set_apart, sync_after, transfer, unlink

Prepare = Callable[[Entry, Place], Callable[[], None]]
"""Called before a file is moved to a place; returns what reverts the call."""


class TakenError(Exception):
    """A name that was free a moment ago is taken; all files are where they were."""


def transfer_together(
    files: Sequence[File],
    targets: Sequence[Place],
    confirm: Callable[[], None],
    prepare: Prepare = lambda entry, target: lambda: None,
) -> None:
    """Move files one after the other; when one cannot be moved, move back those before it.

    Raises
    ------
    TakenError
        The name of a target is taken.
    RefusedError, OSError
        As in `transfer`. A file that could not go back is where it was moved to.
    """
    back: list[Callable[[], None]] = []
    try:
        for file, target in zip(files, targets, strict=True):  # all names are claimed before anything goes
            back.append(prepare(file.entry, target))
        for file, target in zip(files, targets, strict=True):
            transfer(file, target, confirm)
            back.append(partial(_return, file, target))
    except FileExistsError as error:
        _all(back)
        raise TakenError from error
    except Exception:
        _all(back)
        raise


def _all(back: list[Callable[[], None]]) -> None:
    for step in reversed(back):
        step()


def _return(file: File, target: Place) -> None:
    try:
        with opened(target, "what was moved") as descriptor:
            transfer(File(descriptor, target, file.entry, os.fstat(descriptor)), file.source, lambda: None)
    except FileExistsError as error:
        raise RefusedError("it was moved, and could not go back, because another file has its name by now") from error


def remove_together(files: Sequence[File], confirm: Callable[[], None]) -> list[File]:
    """Unlink files, after renaming all to names that nobody knows; until the first is unlinked, all can go back.

    Returns
    -------
    list of File
        Those after the first that could not be unlinked and so stay.

    Raises
    ------
    RefusedError, OSError
        The files are where they were.
    """
    places: list[Place] = []
    try:
        for file in files:
            places.append(set_apart(file))  # noqa: PERF401  (some may go back)
        confirm()
        unlink(places[0])
    except Exception:
        for file, place in zip(files, places, strict=False):
            put_back(place, file.source)
        raise
    stayed = []
    for file, place in zip(files[1:], places[1:], strict=True):
        try:
            unlink(place)
        except OSError:
            put_back(place, file.source)
            stayed.append(file)
    sync_after(files[0].source.directory)
    return stayed
