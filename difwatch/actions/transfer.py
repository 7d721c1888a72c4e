"""Moving one file: nothing is replaced, and the result is checked and on the disk before anything is unlinked."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from difwatch.actions.attributes import copy_attributes
from difwatch.actions.check import StaleError, blocks_of, identity
from difwatch.actions.directory import Place, rename_apart, rename_new, sync
from difwatch.actions.entry import Entry
from difwatch.actions.names import numbered, split
from difwatch.digest import digest_of_blocks
from difwatch.model.files import FileKey

_CHANGED = "it was changed or replaced while it was being moved"


@dataclass(frozen=True, slots=True)
class File:
    """A file that goes: its open descriptor, its place, its journal entry, and its state before it was read."""

    descriptor: int
    source: Place
    entry: Entry
    before: os.stat_result

    def refuse_if_changed(self) -> None:
        """Refuse to go on if the file is no longer as it was before it was read.

        Raises
        ------
        RefusedError
            The bytes may differ from those that were checked.
        """
        if FileKey.of(os.fstat(self.descriptor)) != FileKey.of(self.before):
            raise StaleError(_CHANGED)

    def after_return(self) -> File:
        """Return the file as renamed and put back: its bytes are the same, its ctime is another one."""
        return replace(self, before=os.fstat(self.descriptor)) if self._has_its_bytes() else self

    def is_at(self, place: Place) -> bool:
        """Tell whether the file is at a place now, with the bytes that were checked."""
        return self._has_its_bytes() and _is(place, self.descriptor)

    def _has_its_bytes(self) -> bool:
        stat_now = os.fstat(self.descriptor)
        return (stat_now.st_size, stat_now.st_mtime_ns) == (self.before.st_size, self.before.st_mtime_ns)


def transfer(file: File, target: Place, confirm: Callable[[], None]) -> None:
    """Move a file.

    Parameters
    ----------
    confirm
        Called when the file has left its name and can still be put back; raises `RefusedError` to have it put back.

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
        if error.errno not in (errno.EXDEV, errno.ENOTSUP):
            raise
        _transfer_across(file, target, confirm)
        return
    try:
        if not file.is_at(target):
            raise StaleError(_CHANGED)
        confirm()
        sync(target.directory)
        sync(file.source.directory)
    except Exception:
        put_back(target, file.source)
        raise


def set_apart(file: File) -> Place:
    """Rename a file to a name that nobody knows, so that no other file can be unlinked in its place.

    Raises
    ------
    RefusedError, OSError
        The file is where it was.
    """
    file.refuse_if_changed()
    apart = Place(file.source.directory, file.entry.beside(b"/", "gone")[1:])
    rename_apart(file.source, apart)
    if not file.is_at(apart):
        put_back(apart, file.source)
        raise StaleError(_CHANGED)
    return apart


def sync_after(directory: int) -> None:
    """Sync the removal of names to the disk, where possible.

    Otherwise a power cut may bring the names back: an extra copy, and nothing is lost.
    """
    with contextlib.suppress(OSError):
        sync(directory)


def put_back(current: Place, home: Place) -> None:
    """Restore the name of a file, with a number if that name is taken by now, so that nothing is lost."""
    ours, there = current.look(), home.look()
    if ours is not None and there is not None and (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino):
        current.remove()  # the file still has its name
        return
    for number in range(10_000):
        name = numbered(home.name, split(home.name)[0], number)
        with contextlib.suppress(FileExistsError):
            _rename_or_copy(current, Place(home.directory, name))
            return


def _rename_or_copy(current: Place, new: Place) -> None:
    try:
        rename_new(current, new)
        return
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
    descriptor = current.open(os.O_RDONLY)
    out = -1
    try:
        out = new.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        _copy_bytes(descriptor, out)
        copy_attributes(descriptor, os.fstat(descriptor), out)
        os.fsync(out)
    except Exception:
        if out >= 0:
            new.remove()
        raise
    finally:
        os.close(descriptor)
        if out >= 0:
            os.close(out)
    current.remove()


def unlink(apart: Place) -> None:
    """Unlink a file that was set apart.

    Raises
    ------
    OSError
        The file is still there. This is checked, because a failed call may have unlinked the file all the same (a
        lost answer, an interruption).
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
        copy = target.look()
        # Remove the copy only while the file itself is surely at its old place.
        if _is(file.source, file.descriptor) and copy is not None and (copy.st_dev, copy.st_ino) == copied:
            target.remove()
        raise
    sync_after(file.source.directory)


def _copy(file: File, target: Place) -> tuple[int, int]:
    """Copy to a temporary name, rename the synced copy to the target, and return the identity of the copy."""
    part = Place(target.directory, file.entry.beside(b"/", "part")[1:])
    out = part.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        _fill(file, out)
        try:
            rename_new(part, target)
        except OSError as error:
            if error.errno != errno.ENOTSUP:
                raise
            return _copy_to_new(file, target)
        return identity(out)
    finally:
        os.close(out)
        if part.look() is not None:
            part.remove()


def _copy_to_new(file: File, target: Place) -> tuple[int, int]:
    """Copy straight to a name that is free, where renaming could replace a file; return the identity of the copy.

    `difwatch.actions.recover` knows a copy that a kill left begun by its bytes.
    """
    out = target.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        _fill(file, out)
        return identity(out)
    except Exception:
        if _is(target, out):
            target.remove()
        raise
    finally:
        os.close(out)


def _fill(file: File, out: int) -> None:
    """Write the bytes and attributes of a file to a copy, and sync it."""
    if _copy_bytes(file.descriptor, out) != file.entry.digest:
        raise StaleError(_CHANGED)
    copy_attributes(file.descriptor, file.before, out)
    os.fsync(out)


def _copy_bytes(descriptor: int, out: int) -> bytes:
    def written() -> Iterator[bytes]:
        for block in blocks_of(descriptor):
            left = memoryview(block)
            while left:
                left = left[os.write(out, left) :]
            yield block

    return digest_of_blocks(written())


def _is(place: Place, descriptor: int) -> bool:
    stat_result = place.look()
    return stat_result is not None and (stat_result.st_dev, stat_result.st_ino) == identity(descriptor)
