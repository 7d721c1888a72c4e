"""The waste basket of the desktop, as freedesktop.org specifies it: the files, and a note of where each of them was.

It is filled here and not by Send2Trash, which looks for a free name and then renames, and so can replace a file.
Deleted pictures go through the same journal and the same rename as moved ones, and come back by the same undo.

Source: the FreeDesktop.org Trash specification, version 1.0.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from difwatch import paths
from difwatch.actions.directory import Place, directory

NOTE_ROOM = len(b".trashinfo")
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Basket:
    """A waste basket: its directory, and the top of the disk it belongs to (None for that of the home directory)."""

    path: bytes
    top: bytes | None

    @property
    def files(self) -> bytes:
        """Where the files lie."""
        return self.path + b"/files"

    def note(self, source: bytes, moment: datetime) -> bytes:
        """Return the note on a file that is deleted at a moment, which the note states in local time."""
        shown = source if self.top is None else source.removeprefix(paths.inside(self.top))
        return b"[Trash Info]\nPath=%s\nDeletionDate=%s\n" % (quote(shown).encode(), _local(moment))


def _local(moment: datetime) -> bytes:
    """Return a moment in local time, ISO 8601 without a zone."""
    return moment.astimezone().replace(tzinfo=None).isoformat(timespec="seconds").encode()


def home_basket(environment: Mapping[str, str]) -> Basket:
    """Return the basket in the home directory."""
    data = environment.get("XDG_DATA_HOME") or environment.get("HOME", "") + "/.local/share"
    return Basket(os.path.realpath(os.fsencode(data)) + b"/Trash", None)


def basket_for(path: bytes, environment: Mapping[str, str], user: int) -> Basket:
    """Return the basket for a file: on the file's own disk if there can be one, else in the home directory.

    Parameters
    ----------
    environment
        For ``XDG_DATA_HOME`` and ``HOME``.
    user
        Numeric id.
    """
    home = home_basket(environment)
    device = os.lstat(paths.parent(path)).st_dev
    if paths.device_of(home.path) == device:
        return home
    top = _top(paths.parent(path), device)
    shared = paths.join(top, b".Trash")
    if _is_shared(shared) and _may_be_used(shared + b"/%d" % user, user, top):
        return Basket(shared + b"/%d" % user, top)
    own = paths.join(top, b".Trash-%d" % user)
    is_possible = _is_directory(own) or os.access(top, os.W_OK)
    return Basket(own, top) if is_possible and _may_be_used(own, user, top) else home


def basket_of(target: bytes) -> Basket:
    """Return the basket in which a file lies."""
    path = paths.parent(paths.parent(target))
    above, name = paths.parent(path), paths.name(path)
    if name.startswith(b".Trash-"):
        return Basket(path, above)
    if above.endswith(b"/.Trash"):
        return Basket(path, above.removesuffix(b"/.Trash") or b"/")
    return Basket(path, None)


def write_note(basket_path: bytes, name: bytes, note: bytes) -> None:
    """Claim a name in the basket by writing its note.

    Raises
    ------
    FileExistsError
        The name is taken.
    """
    with directory(basket_path + b"/info", make=True) as info:
        claimed = Place(info, name + b".trashinfo")
        descriptor = claimed.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            os.write(descriptor, note)
            os.fsync(descriptor)
        except OSError:
            claimed.remove()
            raise
        finally:
            os.close(descriptor)


def remove_note(target: bytes | None, source: bytes) -> None:
    """Remove the note on a file in a basket, if the note is there and says that the file came from ``source``."""
    if target is None:
        return
    name = paths.name(target) + b".trashinfo"
    _, said, *_ = basket_of(target).note(source, _ANY_TIME).splitlines(keepends=True)
    beginning = b"[Trash Info]\n" + said
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), directory(_info_of(target)) as info:
        note = Place(info, name)
        descriptor = note.open(os.O_RDONLY)
        try:
            content = os.read(descriptor, 1 << 16)
            # A note that was only begun counts as well.
            ours = said.rstrip() in content.splitlines() or beginning.startswith(content)
        finally:
            os.close(descriptor)
        if ours:
            note.remove()


def _info_of(target: bytes) -> bytes:
    return paths.join(paths.parent(paths.parent(target)), b"info")


def _top(path: bytes, device: int) -> bytes:
    """Return the topmost directory above a path that is on the same disk."""
    while path != b"/":
        above = paths.parent(path)
        if os.lstat(above).st_dev != device:
            break
        path = above
    return path


def _may_be_used(path: bytes, user: int, top: bytes) -> bool:
    """Tell whether a basket is still to be made, or is the user's own and no more open to others than its disk."""
    try:
        stat_result = os.lstat(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    is_own = stat.S_ISDIR(stat_result.st_mode) and stat_result.st_uid == user
    return is_own and not _open_to(stat_result) & ~_open_to(os.lstat(top))


def _open_to(stat_result: os.stat_result) -> int:
    """Return the mode bits of those who may rename what is in a directory, besides its owner."""
    return 0 if stat_result.st_mode & stat.S_ISVTX else stat_result.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _is_directory(path: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _is_shared(path: bytes) -> bool:
    return _is_directory(path) and bool(os.lstat(path).st_mode & stat.S_ISVTX)
