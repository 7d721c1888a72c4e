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
    with contextlib.suppress(OSError):
        for name in os.listxattr(source):
            if name.startswith("user.") or (is_owner_kept and name == _ACCESS_LIST):
                with contextlib.suppress(OSError):
                    os.setxattr(copy, name, os.getxattr(source, name))
    with contextlib.suppress(OSError):
        os.fchmod(copy, before.st_mode & 0o777 if is_owner_kept else _mode_for_another(before.st_mode))
    os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))


def _mode_for_another(mode: int) -> int:
    return 0o644 if mode & stat.S_IROTH else 0o600
