"""Undoing a move: the file, found by its bytes, goes back to where it was, never replacing anything."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from difwatch import paths
from difwatch.actions import trash
from difwatch.actions.check import RefusedError, digest_of_file, opened
from difwatch.actions.directory import Place, directory, place
from difwatch.actions.entry import DONE, Entry
from difwatch.actions.journal import Journal
from difwatch.actions.recover import holds, is_on_its_disk, settle_all
from difwatch.actions.together import TakenError, transfer_together
from difwatch.actions.transfer import File
from difwatch.clock import Clock
from difwatch.model.files import signed


@dataclass(frozen=True, slots=True)
class Undone:
    """The result of undoing an act: ``state`` is done, refused or failed."""

    entry: Entry
    state: str
    reason: str | None = None


def undo(entry: Entry, journal: Journal, clock: Clock, force: bool = False) -> Undone:
    """Put back a picture and its sidecars; to a disk other than the original one only with ``force``."""
    if entry.kind == "undo" or entry.state != DONE:
        why = "it was put back already" if entry.state == "undone" else f"it is {entry.state}"
        return Undone(entry, "refused", why if entry.kind != "undo" else "it is itself the way back of another")
    if entry.target is None:
        return Undone(entry, "refused", "it was deleted for good")
    if not force and not is_on_its_disk(entry.source, entry.fsid):
        why = "its folder is on another file system than when it was moved (is its disk mounted?); --force does it"
        return Undone(entry, "refused", why)
    try:
        _put_back([entry, *(along for along in journal.sidecars(entry.id) if along.state == DONE)], journal, clock)
    except RefusedError as error:
        return Undone(entry, "refused", str(error))
    except FileExistsError as error:
        return Undone(entry, "refused", f"another file is at {error.filename}")
    except OSError as error:
        return Undone(entry, "failed", error.strerror or str(error))
    return Undone(entry, "done")


def _put_back(entries: Sequence[Entry], journal: Journal, clock: Clock) -> None:
    """Put back a picture and those of its sidecars that are still there."""
    picture = entries[0]
    with contextlib.ExitStack() as held:
        files, homes = _files(entries, held)
        begun = journal.begin([file.entry for file in files], clock.now())
        files = [replace(file, entry=entry) for file, entry in zip(files, begun, strict=True)]
        try:
            transfer_together(files, homes, lambda: None)
        except (OSError, RefusedError, TakenError) as error:
            settled = settle_all(begun, journal, clock, str(error))
            if settled[0].state != DONE and isinstance(error, TakenError):
                raise FileExistsError(0, "taken", os.fsdecode(picture.source)) from error
            if settled[0].state != DONE:
                raise
        else:
            journal.end(begun, DONE, clock.now())
    if picture.kind == "trash":
        for entry in begun:
            trash.remove_note(entry.source, entry.target or b"")
    else:
        _remove_made(paths.parent(begun[0].source), journal)


def _remove_made(directory_path: bytes, journal: Journal) -> None:
    """Remove a directory that moving created, and those above it, as far as they are empty now."""
    while journal.was_made(directory_path):
        try:
            with place(directory_path) as there:
                os.rmdir(there.name, dir_fd=there.directory)
        except OSError:
            return  # something else is in it, or it is no directory of ours any more
        directory_path = paths.parent(directory_path)


def _files(entries: Sequence[Entry], held: contextlib.ExitStack) -> tuple[list[File], list[Place]]:
    """Hold open the files that are still there, and return them with their old places, which are free."""
    files, homes = [], []
    for entry in entries:
        try:
            path, source, descriptor, stat_before = held.enter_context(_found(entry))
        except RefusedError:
            if entry is entries[0]:
                raise
            continue
        home = held.enter_context(place(entry.source, make=True))
        if home.look() is not None:
            raise FileExistsError(0, "taken", os.fsdecode(entry.source))
        way_back = Entry.of("undo", path, descriptor, entry.digest)
        fsid = signed(os.fstatvfs(home.directory).f_fsid)
        way_back = replace(way_back, target=entry.source, target_fsid=fsid, undoes=entry.id)
        files.append(File(descriptor, source, way_back, stat_before))
        homes.append(home)
    return files, homes


@contextlib.contextmanager
def _found(entry: Entry) -> Iterator[tuple[bytes, Place, int, os.stat_result]]:
    """Hold a moved file open, at its place or under another name beside it, with its state before it was read.

    Raises
    ------
    RefusedError
        The bytes are not there any more.
    """
    assert entry.target is not None
    above, name = paths.parent(entry.target), paths.name(entry.target)
    with contextlib.ExitStack() as held:
        try:
            below = held.enter_context(directory(above))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise RefusedError(f"{os.fsdecode(above)} is not there any more") from error
        candidates = (name, *_others(below, name, entry.size))
        current = next((candidate for candidate in candidates if holds(entry, Place(below, candidate))), None)
        if current is None:
            raise RefusedError(f"{os.fsdecode(entry.target)} is not there any more, or is another file now")
        source = Place(below, current)
        descriptor = held.enter_context(opened(source, "it"))
        stat_before = os.fstat(descriptor)
        if digest_of_file(descriptor) != entry.digest:
            raise RefusedError(f"{os.fsdecode(entry.target)} is another file now")
        yield paths.join(above, current), source, descriptor, stat_before


def _others(below: int, name: bytes, size: int) -> list[bytes]:
    names = []
    with os.scandir(below) as entries:
        for entry in entries:
            encoded = os.fsencode(entry.name)
            if encoded != name and entry.is_file(follow_symlinks=False) and entry.stat().st_size == size:
                names.append(encoded)
    return sorted(names)
