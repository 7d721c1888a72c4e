"""What a copy on another disk takes over from its file. The rights of a file never grow by it."""

from __future__ import annotations

import contextlib
import os
import stat

_ACCESS_LIST = "system.posix_acl_access"
_RUNS_AS_OWNER = stat.S_ISUID | stat.S_ISGID


def runs_as_owner(stat_result: os.stat_result) -> bool:
    """Tell whether a file, if it is a program, runs with the rights of its owner or group."""
    return bool(stat_result.st_mode & _RUNS_AS_OWNER)


def copy_attributes(source: int, before: os.stat_result, copy: int) -> None:
    """Copy owner, extended attributes, mode and times; omit what the file system cannot hold.

    A copy whose owner or group is another one is open to all for reading if its file is, and else to its owner alone.
    No copy runs with the rights of its owner, and attributes that are not the user's are not copied.

    Parameters
    ----------
    source, copy
        The open files.
    before
        The state of the file that is copied.
    """
    with contextlib.suppress(OSError):
        os.fchown(copy, before.st_uid, before.st_gid)
    now = os.fstat(copy)
    is_owner_kept = (now.st_uid, now.st_gid) == (before.st_uid, before.st_gid)
    names = _attributes(source)
    copied = {name for name in names if name.startswith("user.") or (is_owner_kept and name == _ACCESS_LIST)}
    copied -= {name for name in copied if not _is_copied(source, copy, name)}
    mode = before.st_mode & 0o777
    if _ACCESS_LIST in names - copied:
        mode &= (
            stat.S_IRWXU
        )  # the bits of the group are the mask of the list, and it may deny what those of others allow
    elif not is_owner_kept:
        mode = 0o644 if mode & stat.S_IROTH else 0o600
    with contextlib.suppress(OSError):
        os.fchmod(copy, mode)
    os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))


def _attributes(source: int) -> set[str]:
    try:
        return set(os.listxattr(source))
    except OSError:
        return set()


def _is_copied(source: int, copy: int, name: str) -> bool:
    try:
        os.setxattr(copy, name, os.getxattr(source, name))
    except OSError:
        return False
    return True
