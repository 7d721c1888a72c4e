"""The file systems at and below a folder, as the kernel lists them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_NETWORK = frozenset({b"nfs", b"nfs4", b"cifs", b"smb3", b"smbfs", b"9p", b"afs", b"ceph", b"virtiofs", b"vboxsf"})
_OCTAL = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    """A mounted file system: the kernel's number of the mount, where it is, and its kind."""

    id: int
    path: bytes
    kind: bytes

    @property
    def is_remote(self) -> bool:
        """Whether what others do there gives no events here."""
        return self.kind in _NETWORK or self.kind.startswith(b"fuse.")


def read_mounts(text: bytes | None = None) -> list[Mount]:
    """The mounts that this process sees, in the order in which they were made.

    ``text`` is what ``/proc/self/mountinfo`` says; it is read when not given.
    """
    if text is None:
        text = Path("/proc/self/mountinfo").read_bytes()
    mounts = []
    for line in text.splitlines():
        before, _, after = line.partition(b" - ")
        fields = before.split(b" ")
        path = _OCTAL.sub(lambda octal: bytes([int(octal[1], 8)]), fields[4])
        mounts.append(Mount(int(fields[0]), path, after.split(b" ")[0]))
    return mounts


def mounts_of(path: bytes, mounts: Sequence[Mount]) -> frozenset[Mount]:
    """The mount that a path lies on, and those below it."""
    inside = path.rstrip(b"/") + b"/"
    below = {one for one in mounts if one.path.startswith(inside)}
    own = mount_at(path, mounts)
    return frozenset(below | ({own} if own else set()))


def mount_at(path: bytes, mounts: Sequence[Mount]) -> Mount | None:
    """The mount that a path lies on: of those at the longest place, the last one."""
    holding = [one for one in mounts if (path + b"/").startswith(one.path.rstrip(b"/") + b"/")]
    return max(enumerate(holding), key=lambda one: (len(one[1].path), one[0]), default=(0, None))[1]
