"""Functions on paths: absolute bytes with single slashes, which ``pathlib`` does not handle."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence


def inside(folder: bytes) -> bytes:
    """Return the prefix of all paths below a folder, which may be the root."""
    return folder.rstrip(b"/") + b"/"


def is_below(path: bytes, folder: bytes) -> bool:
    """Tell whether a path lies below a folder, at any depth."""
    return path.startswith(inside(folder)) and path != folder


def is_within(path: bytes, folder: bytes) -> bool:
    """Tell whether a path is a folder or lies below it."""
    return inside(path).startswith(inside(folder))


def parent(path: bytes) -> bytes:
    """Return the directory that holds a path; that of the root is the root."""
    return path.rpartition(b"/")[0] or b"/"


def name(path: bytes) -> bytes:
    """Return the last part of a path."""
    return path.rpartition(b"/")[2]


def is_hidden(path: bytes) -> bool:
    """Tell whether a part of a path begins with a dot; "." and ".." do not count."""
    return any(part.startswith(b".") and part not in (b".", b"..") for part in path.split(b"/"))


def join(folder: bytes, name: bytes) -> bytes:
    """Return the path of a name in a folder."""
    return inside(folder) + name


def relative(path: bytes, folder: bytes) -> bytes:
    """Return the part of a path that follows a folder which holds it."""
    return path[len(inside(folder)) :]


def common(folders: Sequence[bytes]) -> bytes:
    """Return the innermost directory that is or holds all of some folders, of which there is at least one."""
    return os.path.commonpath(folders)


def range_below(folder: bytes) -> tuple[bytes, bytes]:
    """Return the exclusive bounds between which the paths below a folder sort as bytes."""
    bare = folder.rstrip(b"/")
    return bare + b"/", bare + b"0"  # "0" follows "/"


def real(path: str) -> bytes:
    """Return the real path of what a person typed: ``~`` expanded, symbolic links resolved.

    A null byte becomes a visible symbol, because no file name can hold one.
    """
    return os.fsencode(os.path.realpath(expanded(path.replace("\0", "\N{SYMBOL FOR NULL}"))))


def expanded(path: str) -> str:
    """Return what a person named, with ``~`` expanded where that user is known."""
    return os.path.expanduser(path)  # noqa: PTH111  (that of Path raises for an unknown user)


def as_text(path: bytes) -> str:
    """Return a path as text that `from_text` turns into the same bytes in any process, whatever its locale."""
    return path.decode("utf-8", "surrogateescape")


def from_text(text: str) -> bytes:
    """Return the path that `as_text` made a text of."""
    return text.encode("utf-8", "surrogateescape")


def as_json(name: str, path: bytes) -> dict[str, str]:
    """Return a path as a field of JSON, which every parser takes.

    Where the path is not UTF-8, the text has a replacement character, and ``NAME_hex`` has the bytes.
    """
    text = path.decode("utf-8", "replace")
    return {name: text} if text.encode() == path else {name: text, f"{name}_hex": path.hex()}


def nearest(path: bytes) -> bytes:
    """Return a directory if it exists, or else the nearest existing one above it."""
    while path not in (b"", b"/"):
        with contextlib.suppress(OSError):
            if stat.S_ISDIR(os.lstat(path).st_mode):
                return path
        path = parent(path)
    return b"/"


def inode_of(path: str | bytes | os.PathLike[str]) -> tuple[int, int] | None:
    """Return the device and inode of what is at a path, without following a link; None if nothing can be seen."""
    try:
        stat_result = os.lstat(path)
    except OSError:
        return None
    return stat_result.st_dev, stat_result.st_ino


def device_of(path: bytes) -> int | None:
    """Return the device of a path, or of the nearest existing directory above it; None if unknown."""
    while True:
        try:
            return os.lstat(path).st_dev
        except (FileNotFoundError, NotADirectoryError):
            path = parent(path)
        except OSError:
            return None
