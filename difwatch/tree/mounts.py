"""The file systems at and below a folder, as the kernel lists them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from difwatch import paths

_NETWORK = frozenset(
    b"nfs nfs4 cifs smb3 smbfs 9p afs ceph fuse.sshfs fuse.glusterfs fuse.rclone fuse.s3fs fuse.smbnetfs".split()
)
_SHARED = frozenset({b"virtiofs", b"vboxsf"})  # with the host of a virtual machine
_WITHOUT_INODES = frozenset(b"vfat msdos exfat fuseblk".split())
_OCTAL = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    """A mounted file system: the kernel's number of the mount, where it is, and its kind."""

    id: int
    path: bytes
    kind: bytes

    @property
    def is_layered(self) -> bool:
        """Whether a file may be on another device than its directory."""
        return self.kind == b"overlay"

    @property
    def has_inodes(self) -> bool:
        """Whether a file keeps its inode number when the file system is mounted again."""
        return self.kind not in _WITHOUT_INODES

    @property
    def is_network(self) -> bool:
        """Whether the file system lies on another machine, where locks and shared memory do not hold."""
        return self.kind in _NETWORK

    @property
    def is_remote(self) -> bool:
        """Whether changes made elsewhere cause no events here."""
        return self.is_network or self.kind in _SHARED or self.kind == b"fuse" or self.kind.startswith(b"fuse.")


def read_mounts(text: bytes | None = None) -> list[Mount]:
    """Return the mounts that this process sees, in the order in which they were made.

    ``text`` is the content of ``/proc/self/mountinfo``, which is read if None.
    """
    if text is None:
        text = Path("/proc/self/mountinfo").read_bytes()
    mounts = []
    for line in text.splitlines():
        mount, _, file_system = line.partition(b" - ")
        fields = mount.split(b" ")
        path = _OCTAL.sub(lambda octal: bytes([int(octal[1], 8)]), fields[4])
        mounts.append(Mount(int(fields[0]), path, file_system.split(b" ")[0]))
    return mounts


def mounts_of(path: bytes, mounts: Sequence[Mount]) -> frozenset[Mount]:
    """Return the mount that a path lies on, and the mounts below the path."""
    below = {mount for mount in mounts if paths.is_below(mount.path, path)}
    own = mount_at(path, mounts)
    return frozenset(below | ({own} if own else set()))


def mount_at(path: bytes, mounts: Sequence[Mount]) -> Mount | None:
    """Return the mount that a path lies on: of those at the longest place, the last one."""
    holding = [mount for mount in mounts if paths.is_within(path, mount.path)]
    return max(enumerate(holding), key=lambda item: (len(item[1].path), item[0]), default=(0, None))[1]
