"""The way back: a moved file goes where it was, found by its bytes, never over anything."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from difwatch.actions import trash
from difwatch.actions.check import RefusedError, digest_of, opened
from difwatch.actions.directory import Place, device_of, directory, place
from difwatch.actions.journal import BACK, DONE, Entry, Journal
from difwatch.actions.transfer import transfer


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of undoing an act: ``state`` is done, refused or failed."""

    entry: Entry
    state: str
    reason: str | None = None


def undo(entry: Entry, journal: Journal, now: Callable[[], str], force: bool = False) -> Undone:
    """Put a picture back, and then its sidecars; to another disk than it came from only by ``force``."""
    if entry.kind == "undo" or entry.state != DONE:
        why = "it was put back already" if entry.state == "undone" else f"it is {entry.state}"
        return Undone(entry, "refused", why if entry.kind != "undo" else "it is itself the way back of another")
    if entry.target is None:
        return Undone(entry, "refused", "it was deleted for good")
    if not force and device_of(entry.source.rpartition(b"/")[0]) != entry.dev:
        why = "its folder is on another file system than when it was moved (is its disk mounted?); --force does it"
        return Undone(entry, "refused", why)
    try:
        _put_back(entry, journal, now)
        for sidecar in journal.sidecars(entry.id):
            if sidecar.state == DONE:
                _put_back(sidecar, journal, now)
    except RefusedError as error:
        return Undone(entry, "refused", str(error))
    except FileExistsError:
        return Undone(entry, "refused", f"another file is at {os.fsdecode(entry.source)}")
    except OSError as error:
        return Undone(entry, "failed", error.strerror or str(error))
    return Undone(entry, "done")


def _put_back(entry: Entry, journal: Journal, now: Callable[[], str]) -> None:
    assert entry.target is not None
    with _found(entry) as (path, source, descriptor), place(entry.source, make=True) as home:
        if home.look() is not None:
            raise FileExistsError
        found = os.fstat(descriptor)
        way_back = replace(
            entry,
            kind="undo",
            source=path,
            target=entry.source,
            token=secrets.token_hex(8),
            mtime_ns=found.st_mtime_ns,
            dev=found.st_dev,
            inode=found.st_ino - (1 << 64) if found.st_ino >= 1 << 63 else found.st_ino,
            keeper=None,
            keeper_digest=None,
            sse=None,
            picture=None,
            undoes=entry.id,
            ended=None,
            message=None,
        )
        (begun,) = journal.begin([way_back], now())
        try:
            transfer(begun, descriptor, source, home, lambda: None)
        except (OSError, RefusedError) as error:
            journal.end([begun], BACK, now(), str(error))
            raise
        journal.end([begun], DONE, now())
    if entry.kind == "trash":
        trash.remove_note(entry.target)


@contextlib.contextmanager
def _found(entry: Entry) -> Iterator[tuple[bytes, Place, int]]:
    """The file, held open: at its place, or under another name in the same directory.

    Raises
    ------
    RefusedError
        These bytes are not there any more.
    """
    assert entry.target is not None
    above, _, name = entry.target.rpartition(b"/")
    with contextlib.ExitStack() as held:
        try:
            below = held.enter_context(directory(above))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise RefusedError(f"{os.fsdecode(above)} is not there any more") from error
        now = next((one for one in (name, *_others(below, name, entry.size)) if _is(Place(below, one), entry)), None)
        if now is None:
            raise RefusedError(f"{os.fsdecode(entry.target)} is not there any more, or is another file now")
        source = Place(below, now)
        descriptor = held.enter_context(opened(source, "it"))
        if digest_of(descriptor) != entry.digest:
            raise RefusedError(f"{os.fsdecode(entry.target)} is another file now")
        yield above + b"/" + now, source, descriptor


def _is(place: Place, entry: Entry) -> bool:
    try:
        with opened(place, "it") as descriptor:
            return os.fstat(descriptor).st_size == entry.size and digest_of(descriptor) == entry.digest
    except RefusedError:
        return False


def _others(below: int, name: bytes, size: int) -> list[bytes]:
    found = []
    with os.scandir(below) as entries:
        for entry in entries:
            encoded = os.fsencode(entry.name)
            if encoded != name and entry.is_file(follow_symlinks=False) and entry.stat().st_size == size:
                found.append(encoded)
    return sorted(found)
