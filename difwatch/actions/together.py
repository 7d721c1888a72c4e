"""A picture and what belongs to it: all of them go, or none does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from difwatch.actions.check import opened
from difwatch.actions.directory import Place
from difwatch.actions.journal import Entry
from difwatch.actions.transfer import put_back, set_apart, sync_after, transfer

Prepare = Callable[[Entry, Place], Callable[[], None]]
"""Called before a file is moved to a place; gives what takes that back."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes: its open descriptor, where it is, and what is written down about it."""

    descriptor: int
    source: Place
    entry: Entry


def transfer_together(
    files: Sequence[File],
    targets: Sequence[Place],
    confirm: Callable[[], None],
    prepare: Prepare = lambda entry, target: lambda: None,
) -> None:
    """Move files one after the other; when one cannot be moved, those before it go back.

    Raises
    ------
    FileExistsError
        The name of a target is taken.
    RefusedError, OSError
        As `transfer` does.
    """
    with contextlib.ExitStack() as moved:
        for file, target in zip(files, targets, strict=True):
            moved.callback(prepare(file.entry, target))
            transfer(file.entry, file.descriptor, file.source, target, confirm)
            moved.callback(_return, file, target)
        moved.pop_all()


def remove_together(files: Sequence[File], confirm: Callable[[], None]) -> list[File]:
    """Unlink files: first all get names that nobody knows, and until the first one is unlinked, all can go back.

    Returns
    -------
    list of File
        Those after the first that could not be unlinked and stay.

    Raises
    ------
    RefusedError, OSError
        The files are where they were.
    """
    with contextlib.ExitStack() as apart:
        places = []
        for file in files:
            place = set_apart(file.entry, file.descriptor, file.source)
            apart.callback(put_back, place, file.source)
            places.append(place)
        confirm()
        places[0].remove()
        apart.pop_all()
    stayed = []
    for file, place in zip(files[1:], places[1:], strict=True):
        try:
            place.remove()
        except OSError:
            put_back(place, file.source)
            stayed.append(file)
    sync_after(files[0].source.directory)
    return stayed


def _return(file: File, target: Place) -> None:
    with opened(target, "what was moved") as descriptor:
        transfer(file.entry, descriptor, target, file.source, lambda: None)
