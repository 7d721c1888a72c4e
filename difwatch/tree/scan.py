"""Walking the tree, and comparing what is found with what is known."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from difwatch.model.files import Change, ChangeKind, FileKey, FileState
from difwatch.tree.roots import Root

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Blind:
    """A place the walk could not look into, or must not: nothing is known about it.

    The path of a directory ends with a slash and stands for all that lies below it. ``expected`` ones are no
    trouble: another root looks after them.
    """

    path: bytes
    expected: bool = False

    def hides(self, path: bytes) -> bool:
        """Tell whether a path lies in the place."""
        return path == self.path or (self.path.endswith(b"/") and path.startswith(self.path))


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that the walk went into or tried to, by its device and inode."""

    path: bytes
    dev: int
    inode: int


@dataclass(frozen=True, slots=True)
class Absent:
    """A known file that the walk did not find; ``dev`` is the device it was on when it was read."""

    path: bytes
    dev: int


Difference = Change | Absent | Blind | Directory | None
"""What comparing a walk with what is known yields; None stands for a file that is as it was."""


class KnownState(Protocol):
    """A path and the state in which it was read."""

    @property
    def path(self) -> bytes: ...

    @property
    def key(self) -> FileKey: ...


def walk(
    root: Root, start: bytes, elsewhere: frozenset[bytes] = frozenset()
) -> Iterator[FileState | Blind | Directory]:
    """Walk the files of a root below a directory, in the order of the bytes of their paths.

    The order is that of the store, so that both can be compared side by side without holding either.
    Symbolic links are not followed. Each directory comes before what is in it. A directory that cannot be read
    gives a `Blind`, as does one in ``elsewhere``, which belongs to another root.
    """
    if os.path.realpath(start) != start:  # it became a link: the folder is looked for anew, another place is empty
        if start == root.path:
            yield Blind(start + b"/")
        return
    waiting: list[Iterator[os.DirEntry[bytes]]] = []
    entered: bytes | None = start
    while entered is not None or waiting:
        if entered is not None:
            yield from _as_directory(entered)
            listed = None if entered in elsewhere else _listed(entered, entered == root.path)
            if listed is None:
                yield Blind(entered + b"/", expected=entered in elsewhere)
            else:
                waiting.append(iter(listed))
            entered = None
            continue
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
        elif entry.is_dir(follow_symlinks=False):
            entered = entry.path if root.admits_directory(entry.path) else None
        elif root.admits_file(entry.path):
            yield from _look(entry)


def _as_directory(path: bytes) -> Iterator[Directory]:
    with contextlib.suppress(OSError):  # it is listed next, and its failure told there
        found = os.lstat(path)
        yield Directory(path, found.st_dev, found.st_ino)


def _listed(directory: bytes, is_root: bool) -> list[os.DirEntry[bytes]] | None:
    """The entries of a directory in the order of their paths; None if they cannot be told."""
    try:
        with os.scandir(directory) as entries:
            return sorted(entries, key=_as_path)
    except (FileNotFoundError, NotADirectoryError):
        # A root that is away says nothing about its files; a directory that went away has none.
        return None if is_root else []
    except OSError as error:
        shown = os.fsdecode(directory)
        log.warning("%s: this folder cannot be read (%s); what is known of it is kept", shown, error.strerror)
        return None


def _as_path(entry: os.DirEntry[bytes]) -> bytes:
    # A directory sorts where its contents do.
    return entry.name + b"/" if entry.is_dir(follow_symlinks=False) else entry.name


def _look(entry: os.DirEntry[bytes]) -> Iterator[FileState | Blind]:
    try:
        if entry.is_symlink():
            log.info("%s: a symbolic link, not followed", os.fsdecode(entry.path))
            return
        yield FileState(entry.path, FileKey.of(entry.stat(follow_symlinks=False)))
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s: cannot be looked at (%s)", os.fsdecode(entry.path), error.strerror)
        yield Blind(entry.path)


def differences(found: Iterable[FileState | Blind | Directory], known: Iterable[KnownState]) -> Iterator[Difference]:
    """Compare a walk with what is known; both in the order of the bytes of their paths.

    Yields a change for each file that is new or in another state, and an `Absent` for each that is not there. What
    a `Blind` stands for is left as it is; it is passed on, and so are directories. For a file that is as it was, None
    is yielded, so that whoever takes from here can pause after any number of files.
    """
    rows = iter(known)
    row = next(rows, None)
    for one in found:
        if isinstance(one, Directory):
            yield one
            continue
        while row is not None and row.path < one.path:
            yield Absent(row.path, row.key.dev)
            row = next(rows, None)
        if isinstance(one, Blind):
            yield one
            while row is not None and one.hides(row.path):
                row = next(rows, None)
        elif row is not None and row.path == one.path:
            yield Change(ChangeKind.FILE, one.path, one.key) if row.key != one.key else None
            row = next(rows, None)
        else:
            yield Change(ChangeKind.FILE, one.path, one.key)
    while row is not None:
        yield Absent(row.path, row.key.dev)
        row = next(rows, None)
