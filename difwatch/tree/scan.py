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
    """A place that the walk could not or must not look into: nothing is known about it.

    The path of a directory ends with a slash and stands for all that lies below it. An ``expected`` one is no
    trouble: another root looks after it.
    """

    path: bytes
    expected: bool = False

    def hides(self, path: bytes) -> bool:
        """Tell whether a path lies in the place."""
        return path == self.path or (self.path.endswith(b"/") and path.startswith(self.path))


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that the walk entered or tried to enter, with its device and inode."""

    path: bytes
    dev: int
    inode: int


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file that looks like a picture or a video and is not read because of its extension."""

    extension: str


@dataclass(frozen=True, slots=True)
class Absent:
    """A known file that the walk did not find; ``dev`` is the device of the file when it was read."""

    path: bytes
    dev: int


Difference = Change | Absent | Blind | Directory | PassedOver | None
"""What comparing a walk with what is known yields; None stands for a file that is as it was."""

Found = FileState | Blind | Directory | PassedOver
"""What a walk yields."""


class KnownState(Protocol):
    """A path and the state in which it was read."""

    @property
    def path(self) -> bytes: ...

    @property
    def key(self) -> FileKey: ...


def walk(root: Root, start: bytes, elsewhere: frozenset[bytes] = frozenset()) -> Iterator[Found]:
    """Yield the files of a root below a directory, in the order of the bytes of their paths.

    The order is that of the store, so both can be compared side by side without holding either. Symbolic links are
    not followed. Each directory comes before what is in it. A directory that cannot be read yields a `Blind`, as does
    one in ``elsewhere``, which belongs to another root.
    """
    if os.path.realpath(start) != start:  # it became a link: a root is then unknown, any other directory empty
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
        elif (extension := root.passes_over(entry.path)) is not None:
            yield PassedOver(extension)


def _as_directory(path: bytes) -> Iterator[Directory]:
    with contextlib.suppress(OSError):  # the directory is listed next, and a failure reported there
        stat_result = os.lstat(path)
        yield Directory(path, stat_result.st_dev, stat_result.st_ino)


def _listed(directory: bytes, is_root: bool) -> list[os.DirEntry[bytes]] | None:
    """Return the entries of a directory in the order of their paths; None if they are not known."""
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


def differences(walked: Iterable[Found], known: Iterable[KnownState]) -> Iterator[Difference]:
    """Yield how a walk differs from what is known; both are in the order of the bytes of their paths.

    A file that is new or in another state yields a change, one that is not there an `Absent`, and an unchanged one
    None, so that the caller can pause after any number of files. Directories, each `PassedOver` and each `Blind` are
    passed on; known
    files that a `Blind` hides yield nothing.
    """
    rows = iter(known)
    row = next(rows, None)
    for item in walked:
        if isinstance(item, Directory | PassedOver):
            yield item
            continue
        while row is not None and row.path < item.path:
            yield Absent(row.path, row.key.dev)
            row = next(rows, None)
        if isinstance(item, Blind):
            yield item
            while row is not None and item.hides(row.path):
                row = next(rows, None)
        elif row is not None and row.path == item.path:
            yield Change(ChangeKind.FILE, item.path, item.key) if row.key != item.key else None
            row = next(rows, None)
        else:
            yield Change(ChangeKind.FILE, item.path, item.key)
    while row is not None:
        yield Absent(row.path, row.key.dev)
        row = next(rows, None)
