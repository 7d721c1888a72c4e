"""Landlock: what this process may do with files, given up for good, whatever is mounted later.

Source: the kernel's documentation, userspace-api/landlock. Kernels before 5.13, and those that start without
Landlock, have none of it.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Sequence

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # equal on all architectures
_VERSION = 1  # asks _CREATE_RULESET for the version
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

# Rights over files by the version that added them.
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_REFER, _TRUNCATE, _IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_SINCE = {
    1: _EXECUTE | _WRITE_FILE | _READ_FILE | _READ_DIR | _REMOVE_AND_MAKE,
    2: _REFER,
    3: _TRUNCATE,
    5: _IOCTL_DEVICE,
}
_CHANGES = _WRITE_FILE | _REMOVE_AND_MAKE | _REFER | _TRUNCATE
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE  # all others are of directories only
_NET_SINCE, _SCOPE_SINCE = 4, 6
_TCP, _SCOPES = 0b11, 0b11  # bind and connect; abstract sockets and signals

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Return the version of Landlock that this kernel has; 0 for none."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)))


def forbid_files() -> int:
    """Give up every right over files that are not open yet, TCP, and signals to others; return the version."""
    found = version()
    if found:
        _restrict(_all_rights(found), found, with_others=True)
    return found


def forbid_changes(except_below: Sequence[bytes]) -> int:
    """Give up the right to change anything but what is below some directories; return the version of Landlock.

    Only this thread, and the threads and processes that it begins later, are restricted.
    """
    found = version()
    if found:
        _restrict(_all_rights(found) & _CHANGES, found, with_others=False, except_below=except_below)
    return found


def _all_rights(found: int) -> int:
    rights = 0
    for since, added in _SINCE.items():
        rights |= added if since <= found else 0
    return rights


def _restrict(rights: int, found: int, with_others: bool, except_below: Sequence[bytes] = ()) -> None:
    fields = [rights]
    if found >= _NET_SINCE:
        fields.append(_TCP if with_others else 0)
    if found >= _SCOPE_SINCE:
        fields.append(_SCOPES if with_others else 0)
    attributes = struct.pack(f"<{len(fields)}Q", *fields)
    ruleset = _checked(_libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0))
    try:
        for path in except_below:
            _allow(ruleset, path, rights)
        _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(_libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: bytes, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights &= rights if os.path.isdir(path) else _OF_FILES  # noqa: PTH112  (bytes have no Path)
        _checked(_libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, place), 0))
    finally:
        os.close(place)


def _checked(value: int) -> int:
    if value < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return value
