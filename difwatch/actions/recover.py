"""Recovery after a kill: a finished act is recorded as done, and any other one is rolled back.

The bytes are at the source, at the target, or at a name that exists only while an act is open (`Entry.part`,
`Entry.parted`, and the same on the other side). While the bytes are still on the source's side, they get their name
back and the copy is removed. So nothing is removed unless the same bytes were just read elsewhere. While a disk is
away, nothing is decided.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from difwatch import paths
from difwatch.actions import trash
from difwatch.actions.check import RefusedError, blocks_of, digest_of_file, opened
from difwatch.actions.directory import Place, place, sync
from difwatch.actions.entry import BACK, DONE, LOST, OPEN, Entry
from difwatch.actions.journal import Journal
from difwatch.actions.transfer import File, put_back, transfer, unlink
from difwatch.clock import Clock
from difwatch.model.files import FileKey, signed


@dataclass(frozen=True, slots=True)
class Recovered:
    """The result for an act that a kill left open: ``state`` is done, rolled back, lost, or open."""

    entry: Entry
    state: str


def recover(journal: Journal, clock: Clock) -> list[Recovered]:
    """Finish or roll back all open acts."""
    return settle_all(journal.entries(states=[OPEN]), journal, clock, "after an interruption")


def settle_all(entries: Sequence[Entry], journal: Journal, clock: Clock, message: str) -> list[Recovered]:
    """Put the files of open acts where they belong, and record where; a picture comes before its sidecars."""
    states: dict[int, str] = {}
    for entry in entries:
        try:
            state = _settled(entry, states.get(entry.picture or 0))
            _set_notes_right(entry, state, journal)
        except OSError:  # its disk cannot be read or written now
            state = OPEN
        states[entry.id] = state
        if state == OPEN:  # until its disk is there again
            continue
        journal.end(
            [entry], state, clock.now(), "found neither at its old nor at its new place" if state == LOST else message
        )
    return [Recovered(entry, states[entry.id]) for entry in entries]


def is_on_its_disk(path: bytes, fsid: int | None) -> bool:
    """Tell whether a path lies on the file system ``fsid``: whether its disk is mounted."""
    return fsid is None or signed(os.statvfs(paths.nearest(paths.parent(path))).f_fsid) == fsid


def _settled(entry: Entry, picture: str | None) -> str:
    """Put one file where it belongs, a sidecar to its picture, and return the state of its act."""
    with _place_of(entry.source) as source, _place_of(entry.target) as target:
        for side in (source, target):
            _remove_part(entry, side)
        away = not _is_there(entry, source, entry.source, entry.fsid)
        if away or (entry.target is not None and not _is_there(entry, target, entry.target, entry.target_fsid)):
            return OPEN
        if entry.target is None:
            return _settled_deletion(entry, source, picture)
        for side in (source, target):
            _restore(entry, side)
        state = _where(entry, source, target)
    if picture in (DONE, BACK) and state in (DONE, BACK) and state != picture:
        return _follow(entry, picture, state)
    return state


def _is_there(entry: Entry, side: Place | None, path: bytes, fsid: int | None) -> bool:
    """Tell whether the disk of a side is surely there: by its id, or by a file of this act on it."""
    if is_on_its_disk(path, fsid):
        return True
    return side is not None and (_passing(entry, side, "gone").look() is not None or holds(entry, side))


def _set_notes_right(entry: Entry, state: str, journal: Journal) -> None:
    """Make the notes in the waste basket match the files in it."""
    original = entry if entry.undoes is None else journal.get(entry.undoes)
    if original is None or original.kind != "trash" or original.target is None or state in (LOST, OPEN):
        return
    lies_there = (state == DONE) == (entry is original)
    if not lies_there:
        trash.remove_note(entry.target if entry is original else entry.source, original.source)
        return
    basket = trash.basket_of(original.target)
    with contextlib.suppress(FileExistsError):
        name = paths.name(original.target)
        trash.write_note(basket.path, name, basket.note(original.source, datetime.fromisoformat(original.begun)))


@contextlib.contextmanager
def _place_of(path: bytes | None) -> Iterator[Place | None]:
    """Hold the place of a path; None if its directory is not there."""
    with contextlib.ExitStack() as held:
        opened_place = None
        if path is not None:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                opened_place = held.enter_context(place(path))
        yield opened_place


def _passing(entry: Entry, side: Place, what: str) -> Place:
    return Place(side.directory, entry.beside(b"/", what)[1:])


def _remove_part(entry: Entry, side: Place | None) -> None:
    # Half a copy; nobody else can have made a file of this name.
    part = None if side is None else _passing(entry, side, "part")
    if part is not None and part.look() is not None:
        part.remove()


def _settled_deletion(entry: Entry, source: Place | None, picture: str | None) -> str:
    if source is None:
        return DONE
    apart = _passing(entry, source, "gone")
    if apart.look() is not None:
        if picture == DONE:
            unlink(apart)
            return DONE
        put_back(apart, source)
        return BACK
    return DONE if source.look() is None else BACK


def _restore(entry: Entry, side: Place | None) -> None:
    """Restore the name of a file that was set apart."""
    if side is not None:
        apart = _passing(entry, side, "gone")
        if apart.look() is not None:
            put_back(apart, side)
            sync(side.directory)


def _where(entry: Entry, source: Place | None, target: Place | None) -> str:
    at_source = source is not None and holds(entry, source)
    at_target = target is not None and holds(entry, target)
    if at_target and at_source and target is not None:
        if _is_copy(entry, target):
            target.remove()
        return BACK
    if at_target and target is not None:
        sync(target.directory)
        return DONE
    if at_source and source is not None and target is not None and _is_begun_copy(source, target):
        target.remove()
    there = source is not None and source.look() is not None
    return BACK if there else LOST


def holds(entry: Entry, side: Place) -> bool:
    """Tell whether the bytes that were to be moved are at a place."""
    try:
        with opened(side, "it") as descriptor:
            return os.fstat(descriptor).st_size == entry.size and digest_of_file(descriptor) == entry.digest
    except RefusedError:
        return False


def _is_copy(entry: Entry, side: Place) -> bool:
    """Tell whether the file is our copy or a second name: its mtime is that of the original."""
    stat_result = side.look()
    return stat_result is not None and FileKey.of(stat_result).mtime_ns == entry.mtime_ns


def _is_begun_copy(source: Place, target: Place) -> bool:
    """Tell whether a file is the beginning of another one, which a kill may have ended the copying of."""
    try:
        with opened(source, "it") as whole, opened(target, "it") as begun:
            size = os.fstat(begun).st_size
            return 0 < size < os.fstat(whole).st_size and all(
                os.pread(whole, len(block), offset) == block for offset, block in _numbered_blocks(begun)
            )
    except RefusedError:
        return False


def _numbered_blocks(descriptor: int) -> Iterator[tuple[int, bytes]]:
    offset = 0
    for block in blocks_of(descriptor):
        yield offset, block
        offset += len(block)


def _follow(entry: Entry, picture: str, state: str) -> str:
    """Move a sidecar to where its picture is, if possible, and return the state of its act."""
    if state == picture or entry.target is None:
        return state
    there, here = (entry.target, entry.source) if picture == DONE else (entry.source, entry.target)
    try:
        with place(here) as source, place(there, make=True) as target, opened(source, "it") as descriptor:
            transfer(File(descriptor, source, entry, os.fstat(descriptor)), target, lambda: None)
    except (OSError, RefusedError):
        return state  # the sidecar stays where it is, whole
    return picture
