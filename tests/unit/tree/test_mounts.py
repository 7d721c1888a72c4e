"""What kind of disk a folder lies on."""

import pytest

from difwatch.tree.mounts import Mount


@pytest.mark.parametrize(
    ("kind", "is_remote", "has_inodes"),
    [
        ("ext4", False, True),
        ("fuse", True, True),
        ("fuse.sshfs", True, True),
        ("fuse.mergerfs", True, True),
        ("fuseblk", False, False),
        ("exfat", False, False),
        ("vfat", False, False),
        ("nfs4", True, True),
        ("cifs", True, True),
        ("virtiofs", True, True),
    ],
)
def test_kinds_of_disks(kind, is_remote, has_inodes):
    mount = Mount(1, b"/p", kind.encode())
    assert (mount.is_remote, mount.has_inodes) == (is_remote, has_inodes)
