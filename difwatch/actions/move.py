"""Carrying out a planned act: check, record, move, check again, record."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from difwatch import paths
from difwatch.actions import trash
from difwatch.actions.attributes import runs_as_owner
from difwatch.actions.belonging import belonging
from difwatch.actions.check import (
    RefusedError,
    StaleError,
    check,
    check_owners,
    digest_of_file,
    identity,
    opened,
)
from difwatch.actions.directory import Place, directory, place
from difwatch.actions.entry import BACK, DONE, Entry
from difwatch.actions.journal import Journal
from difwatch.actions.names import numbered, split
from difwatch.actions.plan import Act
from difwatch.actions.recover import settle_all
from difwatch.actions.together import TakenError, remove_together, transfer_together
from difwatch.actions.transfer import File
from difwatch.clock import Clock
from difwatch.model.files import FileKey, signed
from difwatch.model.jobs import Decoder
from difwatch.tree.folding import Listing

_TRIES = 10_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an act. ``state`` is done, refused, failed or (previewed) planned; ``target`` is the new path.

    A ``stale`` one was refused because a file is not as it was indexed.
    """

    act: Act
    state: str
    reason: str | None = None
    target: bytes | None = None
    id: int = 0
    sidecars: int = 0
    stale: bool = False


@dataclass(frozen=True, slots=True)
class ActRules:
    """How acts are done.

    ``decoder`` looks at the pictures once more. ``sidecars`` decides about files that belong to a picture: move,
    refuse (the picture stays with them) or leave. ``environment`` and ``user`` locate waste baskets. Without
    ``across_owners`` a picture stays where the one to keep belongs to another user. ``watched`` are the folders that
    a person named.
    """

    decoder: Decoder
    is_image_name: Callable[[bytes], bool]
    clock: Clock
    sidecars: str = "move"
    environment: dict[str, str] | None = None
    user: int = 0
    across_owners: bool = False
    watched: Sequence[bytes] = ()


def carry_out(act: Act, journal: Journal, rules: ActRules) -> Outcome:
    """Carry out one act. Whatever happens, the picture stays whole, and the journal records where it is.

    Raises
    ------
    JournalError
        The journal cannot be written; open acts are finished or rolled back at the next start.
    """
    try:
        with _held(act, rules) as (files, confirm):
            if act.kind == "delete":
                return _delete(act, files, journal, rules, confirm)
            return _move(act, files, journal, rules, confirm)
    except RefusedError as error:
        return _refused(act, error)
    except OSError as error:
        return Outcome(act, "failed", _words(error))


def preview(act: Act, rules: ActRules, claimed: set[bytes]) -> Outcome:
    """Return what `carry_out` would do now, without doing it.

    Bytes that are as they were indexed are believed to look as they did; only an act decodes them once more.
    ``claimed`` holds the paths that earlier acts of this preview would use; those of this act are added.
    """
    try:
        with _held(act, rules, compares=False) as (files, _):
            targets = [b""] if act.kind == "delete" else _free(_Goal.of(act, rules), files, claimed)
            _must_be_writable(paths.parent(act.image.path), *(paths.nearest(target) for target in targets if target))
            claimed.update(targets)
            return Outcome(act, "planned", None, targets[0] or None, 0, len(files) - 1)
    except RefusedError as error:
        return _refused(act, error)
    except OSError as error:
        return Outcome(act, "failed", _words(error))


def _refused(act: Act, error: RefusedError) -> Outcome:
    return Outcome(act, "refused", str(error), stale=isinstance(error, StaleError))


def _must_be_writable(*directories: bytes) -> None:
    for path in directories:
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, f"{os.fsdecode(path)}: {os.strerror(errno.EACCES)}")


def goes_along(act: Act, rules: ActRules) -> list[bytes]:
    """Return the names of the files that would go with a picture now, or the reason why the picture must stay."""
    try:
        with _place_of(act.image.path, "it", rules.watched) as source:
            return belonging(source, rules.sidecars, rules.is_image_name)
    except RefusedError as error:
        return [str(error).encode()]


def _free(goal: _Goal, files: Sequence[File], claimed: set[bytes]) -> list[bytes]:
    with contextlib.ExitStack() as held:
        below = None
        with contextlib.suppress(FileNotFoundError):
            below = held.enter_context(directory(goal.directory))
        for number in range(_TRIES):
            names = [goal.name(file.source.name, files[0].source.name, number) for file in files]
            targets = [paths.join(goal.directory, name) for name in names]
            taken = below is not None and any(Place(below, name).look() is not None for name in names)
            if not taken and claimed.isdisjoint(targets):
                return targets
    raise RefusedError(f"{_TRIES} files of this name are in the destination")


@contextlib.contextmanager
def _held(act: Act, rules: ActRules, compares: bool = True) -> Iterator[tuple[list[File], _AsItWas]]:
    """Hold open the files that go (the picture first) and the picture to keep, all of them checked.

    Without ``compares``, both pictures are checked by their bytes alone.
    """
    with contextlib.ExitStack() as held:
        source = held.enter_context(_place_of(act.image.path, "it", rules.watched))
        keeper_at = held.enter_context(_place_of(act.keeper.path, "the picture to keep", rules.watched))
        victim = held.enter_context(opened(source, "it"))
        keeper = held.enter_context(opened(keeper_at, "the picture to keep"))
        stat_before, confirm = os.fstat(victim), _AsItWas(keeper_at, keeper)
        if not rules.across_owners:
            check_owners(victim, keeper)
        check(act, victim, keeper, rules.decoder if compares else None)
        files = [File(victim, source, _entry(act, victim), stat_before)]
        for name in belonging(source, rules.sidecars, rules.is_image_name):
            there = Place(source.directory, name)
            descriptor = held.enter_context(opened(there, "a file that belongs to it"))
            stat_before = os.fstat(descriptor)
            if runs_as_owner(stat_before):
                raise RefusedError(f"{os.fsdecode(name)} belongs to it and runs as its owner (set-uid or set-gid)")
            files.append(File(descriptor, there, _sidecar(act, name, descriptor), stat_before))
        yield files, confirm


@contextlib.contextmanager
def _place_of(path: bytes, what: str, watched: Sequence[bytes]) -> Iterator[Place]:
    with contextlib.ExitStack() as held:
        try:
            opened_place = held.enter_context(place(path))
            if opened_place.look() is not None and not Listing(watched).lists(path):
                raise StaleError(f"{what} has another name by now, which its disk takes for the same")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StaleError(f"{what} is not there any more, or its folder has become a link") from error
        yield opened_place


class _AsItWas:
    """Checks that the picture to keep was neither moved along nor changed since it was checked."""

    def __init__(self, keeper_at: Place, keeper: int) -> None:
        self._place = keeper_at
        self._keeper = keeper
        self._before = os.fstat(keeper)

    def __call__(self) -> None:
        stat_result = self._place.look()
        if stat_result is None or (stat_result.st_dev, stat_result.st_ino) != identity(self._keeper):
            raise StaleError("the picture to keep went away at the same moment")
        if FileKey.of(os.fstat(self._keeper)) != FileKey.of(self._before):
            raise StaleError("the picture to keep was changed at the same moment")


def _words(error: OSError) -> str:
    if error.errno in (errno.ENOTDIR, errno.ELOOP):
        return "a folder on the way to it, or to where it should go, is a link or no folder"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.strerror} (its folder and the destination must be writable)"
    return error.strerror or str(error)


def _entry(act: Act, descriptor: int) -> Entry:
    entry = Entry.of(act.kind, act.image.path, descriptor, act.image.digest)
    return replace(entry, keeper=act.keeper.path, keeper_digest=act.keeper.digest, sse=act.sse)


def _sidecar(act: Act, name: bytes, descriptor: int) -> Entry:
    path = paths.join(paths.parent(act.image.path), name)
    if act.kind == "delete":
        raise RefusedError(f"{os.fsdecode(name)} belongs to it, and is not deleted for good with it")
    return Entry.of(act.kind, path, descriptor, digest_of_file(descriptor))


def _delete(
    act: Act, files: Sequence[File], journal: Journal, rules: ActRules, confirm: Callable[[], None]
) -> Outcome:
    entries = journal.begin([file.entry for file in files], rules.clock.now())
    files = [replace(file, entry=entry) for file, entry in zip(files, entries, strict=True)]
    try:
        stayed = remove_together(files, confirm)
    except (RefusedError, OSError) as error:
        return _settled(act, files, journal, rules, error)
    journal.end([file.entry for file in files if file not in stayed], DONE, rules.clock.now())
    journal.end([file.entry for file in stayed], BACK, rules.clock.now(), "it could not be unlinked; its picture was")
    return Outcome(act, "done", None, None, entries[0].id, len(files) - 1 - len(stayed))


def _move(act: Act, files: Sequence[File], journal: Journal, rules: ActRules, confirm: Callable[[], None]) -> Outcome:
    """Move a picture and its sidecars to names with one number, the first that is free for all of them."""
    goal = _Goal.of(act, rules)
    made: list[bytes] = []
    with directory(goal.directory, make=True, give=goal.basket is None, made=made) as below:
        if made and goal.basket is None:
            journal.note_made(made)
        fsid = signed(os.fstatvfs(below).f_fsid)
        files = [replace(file, entry=replace(file.entry, target_fsid=fsid)) for file in files]
        try:
            for number in range(_TRIES):
                names = [goal.name(file.source.name, files[0].source.name, number) for file in files]
                places = [Place(below, name) for name in names]
                if any(target.look() is not None for target in places):
                    continue
                files = _written(files, [paths.join(goal.directory, name) for name in names], journal, rules)
                try:
                    transfer_together(files, places, confirm, goal.prepare)
                    break
                except TakenError:
                    files = [file.after_return() for file in files]
            else:
                raise RefusedError(f"{_TRIES} files of this name are in the destination")
        except (RefusedError, OSError) as error:
            return _settled(act, files, journal, rules, error)
    entries = [file.entry for file in files]
    journal.end(entries, DONE, rules.clock.now())
    return Outcome(act, "done", None, entries[0].target, entries[0].id, len(files) - 1)


def _settled(
    act: Act, files: Sequence[File], journal: Journal, rules: ActRules, error: RefusedError | OSError
) -> Outcome:
    """Settle an act that failed, and return its real outcome."""
    state = "refused" if isinstance(error, RefusedError) else "failed"
    entries = [file.entry for file in files if file.entry.id]
    settled = settle_all(entries, journal, rules.clock, _reason(error))
    if settled and settled[0].state == DONE:
        along = sum(sidecar.state == DONE for sidecar in settled[1:])
        return Outcome(act, "done", None, entries[0].target, entries[0].id, along)
    return Outcome(act, state, _reason(error), stale=isinstance(error, StaleError))


def _written(files: Sequence[File], targets: Sequence[bytes], journal: Journal, rules: ActRules) -> list[File]:
    """Record the targets before they are tried."""
    entries = [replace(file.entry, target=target) for file, target in zip(files, targets, strict=True)]
    if entries[0].id:
        journal.retarget(entries)
    else:
        entries = journal.begin(entries, rules.clock.now())
    return [replace(file, entry=entry) for file, entry in zip(files, entries, strict=True)]


@dataclass(frozen=True, slots=True)
class _Goal:
    """Where an act puts its picture: a directory, or a waste basket."""

    directory: bytes
    basket: trash.Basket | None
    clock: Clock

    @classmethod
    def of(cls, act: Act, rules: ActRules) -> _Goal:
        if act.target is not None:
            return cls(paths.parent(act.target), None, rules.clock)
        basket = trash.basket_for(act.image.path, rules.environment or {}, rules.user)
        return cls(basket.files, basket, rules.clock)

    def name(self, name: bytes, picture: bytes, number: int) -> bytes:
        room = 0 if self.basket is None else trash.NOTE_ROOM
        return numbered(name, split(picture)[0], number, room)

    def prepare(self, entry: Entry, target: Place) -> Callable[[], None]:
        if self.basket is None:
            return lambda: None
        trash.write_note(self.basket.path, target.name, self.basket.note(entry.source, self.clock.now()))
        return lambda: trash.remove_note(paths.join(self.directory, target.name), entry.source)


def _reason(error: RefusedError | OSError) -> str:
    return _words(error) if isinstance(error, OSError) else str(error)
