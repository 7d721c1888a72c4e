"""One file from one place to another: never over anything, checked after, on the disk before anything is unlinked."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable

from difwatch.actions.check import RefusedError, identity
from difwatch.actions.directory import Place, rename_new, sync
from difwatch.actions.journal import Entry
from difwatch.actions.names import numbered, split

_BLOCK = 1 << 20
_CHANGED = "it was changed or replaced while it was being moved"


def transfer(entry: Entry, descriptor: int, source: Place, target: Place, confirm: Callable[[], None]) -> None:
    """Move a file that is held open.

    Parameters
    ----------
    entry
        What is written down about it; its bytes have this digest.
    descriptor
        The open file.
    source, target
        From where and to where.
    confirm
        Called when the file has left its name and can still be put back; raises a `RefusedError` if it must be.

    Raises
    ------
    FileExistsError
        The target's name is taken; the file is where it was.
    RefusedError, OSError
        The file is where it was.
    """
    before = os.fstat(descriptor)
    try:
        rename_new(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _transfer_across(entry, descriptor, before, source, target, confirm)
        return
    try:
        if not _is(target, descriptor) or _differs(before, os.fstat(descriptor)):
            raise RefusedError(_CHANGED)
        confirm()
        sync(target.directory)
        sync(source.directory)
    except Exception:
        put_back(target, source)
        raise


def set_apart(entry: Entry, descriptor: int, source: Place) -> Place:
    """Give a file that is held open a name that nobody knows, so that what is unlinked then is surely that file.

    Raises
    ------
    RefusedError, OSError
        The file is where it was.
    """
    return _set_apart(entry, descriptor, os.fstat(descriptor), source)


def sync_after(directory: int) -> None:
    """Bring to the disk that names are gone, as far as that can be done.

    If it cannot, a power cut may bring them back: one copy more, and nothing is lost.
    """
    with contextlib.suppress(OSError):
        sync(directory)


def put_back(found: Place, home: Place) -> None:
    """Give a file its name back; if that is taken by now, one with a number, so that nothing is lost."""
    ours, there = found.look(), home.look()
    if ours is not None and there is not None and (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino):
        found.remove()  # it has its name still
        return
    for number in range(10_000):
        name = numbered(home.name, split(home.name)[0], number)
        with contextlib.suppress(FileExistsError):
            rename_new(found, Place(home.directory, name))
            return


def unlink(apart: Place) -> None:
    """Unlink a file that was set apart.

    Raises
    ------
    OSError
        It is still there. A call that failed may have done it all the same (an answer that got lost, an
        interruption), so it is looked at.
    """
    try:
        apart.remove()
    except OSError:
        if apart.look() is not None:
            raise


def _transfer_across(
    entry: Entry,
    descriptor: int,
    before: os.stat_result,
    source: Place,
    target: Place,
    confirm: Callable[[], None],
) -> None:
    copied = _copy(entry, descriptor, before, target)
    apart = None
    try:
        sync(target.directory)
        apart = _set_apart(entry, descriptor, before, source)
        confirm()
        unlink(apart)
    except Exception:
        if apart is not None:
            put_back(apart, source)
        found = target.look()
        # The copy only goes while the file itself is surely at its old place.
        if _is(source, descriptor) and found is not None and (found.st_dev, found.st_ino) == copied:
            target.remove()
        raise
    sync_after(source.directory)


def _set_apart(entry: Entry, descriptor: int, before: os.stat_result, source: Place) -> Place:
    apart = Place(source.directory, entry.beside(b"/", "gone")[1:])
    rename_new(source, apart)
    if not _is(apart, descriptor) or _differs(before, os.fstat(descriptor)):
        put_back(apart, source)
        raise RefusedError(_CHANGED)
    return apart


def _copy(entry: Entry, descriptor: int, before: os.stat_result, target: Place) -> tuple[int, int]:
    """Copy to a passing name, and give it the target's name when all of it is on the disk; gives its identity."""
    part = Place(target.directory, entry.beside(b"/", "part")[1:])
    out = part.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        if _copy_bytes(descriptor, out) != entry.digest:
            raise RefusedError(_CHANGED)
        _copy_attributes(descriptor, before, out)
        os.fsync(out)
        rename_new(part, target)
        copied = identity(out)
    except Exception:
        if part.look() is not None:
            part.remove()
        raise
    finally:
        os.close(out)
    return copied


def _copy_bytes(descriptor: int, out: int) -> bytes:
    digest = hashlib.blake2b(digest_size=32)
    place = 0
    while block := os.pread(descriptor, _BLOCK, place):
        digest.update(block)
        place += len(block)
        left = memoryview(block)
        while left:
            left = left[os.write(out, left) :]
    return digest.digest()


def _copy_attributes(descriptor: int, before: os.stat_result, out: int) -> None:
    """Owner, extended attributes (with access lists), mode, times; what the file system cannot hold is left out."""
    with contextlib.suppress(OSError):
        os.fchown(out, before.st_uid, before.st_gid)
    with contextlib.suppress(OSError):
        for name in os.listxattr(descriptor):
            with contextlib.suppress(OSError):
                os.setxattr(out, name, os.getxattr(descriptor, name))
    with contextlib.suppress(OSError):
        os.fchmod(out, before.st_mode & 0o7777)
    os.utime(out, ns=(before.st_atime_ns, before.st_mtime_ns))


def _is(place: Place, descriptor: int) -> bool:
    found = place.look()
    return found is not None and (found.st_dev, found.st_ino) == identity(descriptor)


def _differs(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
