"""One file from one place to another: never over anything, checked after, on the disk before anything is unlinked."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from difwatch.actions.check import RefusedError, blocks_of, identity
from difwatch.actions.directory import Place, rename_new, sync
from difwatch.actions.entry import Entry
from difwatch.actions.names import numbered, split
from difwatch.digest import digest_of_blocks
from difwatch.model.files import FileKey

_CHANGED = "it was changed or replaced while it was being moved"


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes: held open, where it is, what is written down about it, and its state before it was read."""

    descriptor: int
    source: Place
    entry: Entry
    before: os.stat_result

    def refuse_if_changed(self) -> None:
        """Refuse to go on when it is no longer as it was before it was read.

        Raises
        ------
        RefusedError
            Its bytes may be others than those that were looked at.
        """
        if FileKey.of(os.fstat(self.descriptor)) != FileKey.of(self.before):
            raise RefusedError(_CHANGED)

    def after_return(self) -> File:
        """As it is after it was renamed and put back: its bytes are what they were, its ctime is another one."""
        return replace(self, before=os.fstat(self.descriptor)) if self._has_its_bytes() else self

    def is_at(self, place: Place) -> bool:
        """Tell whether it is at a place now, with the bytes that were looked at."""
        return self._has_its_bytes() and _is(place, self.descriptor)

    def _has_its_bytes(self) -> bool:
        now = os.fstat(self.descriptor)
        return (now.st_size, now.st_mtime_ns) == (self.before.st_size, self.before.st_mtime_ns)


def transfer(file: File, target: Place, confirm: Callable[[], None]) -> None:
    """Move a file.

    Parameters
    ----------
    file
        What is moved.
    target
        To where.
    confirm
        Called when the file has left its name and can still be put back; raises a `RefusedError` if it must be.

    Raises
    ------
    FileExistsError
        The target's name is taken; the file is where it was.
    RefusedError, OSError
        The file is where it was.
    """
    file.refuse_if_changed()
    try:
        rename_new(file.source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _transfer_across(file, target, confirm)
        return
    try:
        if not file.is_at(target):
            raise RefusedError(_CHANGED)
        confirm()
        sync(target.directory)
        sync(file.source.directory)
    except Exception:
        put_back(target, file.source)
        raise


def set_apart(file: File) -> Place:
    """Give a file a name that nobody knows, so that what is unlinked then is surely that file.

    Raises
    ------
    RefusedError, OSError
        The file is where it was.
    """
    file.refuse_if_changed()
    apart = Place(file.source.directory, file.entry.beside(b"/", "gone")[1:])
    rename_new(file.source, apart)
    if not file.is_at(apart):
        put_back(apart, file.source)
        raise RefusedError(_CHANGED)
    return apart


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


def _transfer_across(file: File, target: Place, confirm: Callable[[], None]) -> None:
    copied = _copy(file, target)
    apart = None
    try:
        sync(target.directory)
        apart = set_apart(file)
        confirm()
        unlink(apart)
    except Exception:
        if apart is not None:
            put_back(apart, file.source)
        found = target.look()
        # The copy only goes while the file itself is surely at its old place.
        if _is(file.source, file.descriptor) and found is not None and (found.st_dev, found.st_ino) == copied:
            target.remove()
        raise
    sync_after(file.source.directory)


def _copy(file: File, target: Place) -> tuple[int, int]:
    """Copy to a passing name, and give it the target's name when all of it is on the disk; gives its identity."""
    part = Place(target.directory, file.entry.beside(b"/", "part")[1:])
    out = part.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        if _copy_bytes(file.descriptor, out) != file.entry.digest:
            raise RefusedError(_CHANGED)
        _copy_attributes(file.descriptor, file.before, out)
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
    def written() -> Iterator[bytes]:
        for block in blocks_of(descriptor):
            left = memoryview(block)
            while left:
                left = left[os.write(out, left) :]
            yield block

    return digest_of_blocks(written())


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
