"""Directories held open, so that links and renames made meanwhile cannot lead elsewhere."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from difwatch import paths

_RENAME_NOREPLACE = 1
_INTO = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Errors of file systems that cannot rename without replacing, or cannot sync a directory.
_CANNOT = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}


class Place(NamedTuple):
    """A name in a directory that is held open."""

    directory: int
    name: bytes

    def look(self) -> os.stat_result | None:
        """Return the state of the name, without following a link; None if nothing is there."""
        try:
            return os.stat(self.name, dir_fd=self.directory, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def remove(self) -> None:
        """Unlink the name."""
        os.unlink(self.name, dir_fd=self.directory)

    def open(self, flags: int, mode: int = 0o600) -> int:
        """Open the name without following a link or waiting for a FIFO."""
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(self.name, flags, mode, dir_fd=self.directory)


@contextlib.contextmanager
def directory(path: bytes, make: bool = False, give: bool = False, made: list[bytes] | None = None) -> Iterator[int]:
    """Hold a directory open, reached from the root without following any link.

    Parameters
    ----------
    path
        Absolute, without links.
    make
        Create missing directories, for this user alone.
    give
        Give new directories to the owner of the one above, and open them as that one is, where this is allowed.
    made
        Receives the paths of the directories that were created.

    Raises
    ------
    OSError
        The directory is not there, or a part of its path is a link.
    """
    descriptor = os.open(b"/", _INTO)
    try:
        parts = [part for part in path.split(b"/") if part]
        for number, part in enumerate(parts, start=1):
            last = number == len(parts)
            below, is_new = _step(descriptor, part, _OPEN if last else _INTO, make, give)
            if is_new and made is not None:
                made.append(b"/" + b"/".join(parts[:number]))
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def _step(above: int, part: bytes, flags: int, make: bool, give: bool) -> tuple[int, bool]:
    """Open a directory, and tell whether it was created for that."""
    is_new = False
    try:
        return os.open(part, flags, dir_fd=above), is_new
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):
        os.mkdir(part, 0o700, dir_fd=above)
        is_new = True
        if give:
            _give_to_owner(above, part)
        with contextlib.suppress(OSError):  # the parent is held only to pass through; not every one can be synced
            parent = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=above)
            try:
                os.fsync(parent)
            finally:
                os.close(parent)
    return os.open(part, flags, dir_fd=above), is_new


def _give_to_owner(above: int, part: bytes) -> None:
    """Give a new directory to the owner of the one above, who would otherwise not reach what a service puts there."""
    stat_above, user = os.fstat(above), os.geteuid()
    everyone_may_write = stat_above.st_mode & (stat.S_ISVTX | stat.S_IWOTH)
    if stat_above.st_uid == user or everyone_may_write:
        return
    with contextlib.suppress(OSError):  # without the right to give it away
        new = os.open(part, _OPEN, dir_fd=above)
        try:
            if os.fstat(new).st_uid == user and not _has_entries(new):
                os.fchown(new, stat_above.st_uid, stat_above.st_gid)
                os.fchmod(new, stat_above.st_mode & 0o777)
        finally:
            os.close(new)


def _has_entries(descriptor: int) -> bool:
    with os.scandir(descriptor) as entries:
        return next(entries, None) is not None


@contextlib.contextmanager
def place(path: bytes, make: bool = False) -> Iterator[Place]:
    """Hold the directory of a path open; one that is made belongs to the owner of the directory above."""
    with directory(paths.parent(path), make, give=True) as descriptor:
        yield Place(descriptor, paths.name(path))


def sync(directory: int) -> None:
    """Sync the names in a directory to the disk, where the file system can."""
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def rename_new(source: Place, target: Place) -> None:
    """Rename without replacing anything.

    Raises
    ------
    FileExistsError
        The target's name is taken.
    OSError
        With EXDEV, the target is on another file system. With ENOTSUP, this file system cannot rename without the
        danger of replacing something.
    """
    try:
        _renameat2(source, target)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
    else:
        return
    try:
        os.link(
            source.name, target.name, src_dir_fd=source.directory, dst_dir_fd=target.directory, follow_symlinks=False
        )
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise
        raise OSError(errno.ENOTSUP, "this file system cannot rename without the danger of replacing") from error
    ours, there = target.look(), source.look()
    # Only while the source still is that file: somebody may have put another one there.
    if ours is not None and there is not None and (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino):
        source.remove()


def rename_apart(source: Place, target: Place) -> None:
    """Rename to a name that nobody else can know, on any file system.

    Raises
    ------
    FileExistsError
        The target's name is taken.
    """
    try:
        rename_new(source, target)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        if target.look() is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fsdecode(target.name)) from error
        os.rename(source.name, target.name, src_dir_fd=source.directory, dst_dir_fd=target.directory)


_libc = ctypes.CDLL(None, use_errno=True)


def _renameat2(source: Place, target: Place) -> None:
    # Python has no wrapper for the one call that moves and never replaces.
    done = _libc.renameat2(
        source.directory, source.name, target.directory, target.name, ctypes.c_uint(_RENAME_NOREPLACE)
    )
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), os.fsdecode(target.name))
