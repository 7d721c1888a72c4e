"""The state directory: where it is, and where it must not be."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from difwatch.errors import StoreError

# SQLite's log in shared memory and the locks of the kernel do not hold over these.
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph"})


def default_state_dir(environment: Mapping[str, str]) -> Path:
    """Where the store and the journal are: DIFWATCH_STATE_DIR, STATE_DIRECTORY (systemd), or the platform's place."""
    named = environment.get("DIFWATCH_STATE_DIR") or environment.get("STATE_DIRECTORY")
    if named:
        return Path(os.path.expanduser(named))  # noqa: PTH111  (that of Path raises for an unknown user)
    return platformdirs.user_state_path("difwatch")


def refuse_network(state_dir: Path, mounts: str) -> None:
    """Refuse a state directory on a network file system.

    Parameters
    ----------
    state_dir
        It, or where it will be.
    mounts
        The text of ``/proc/self/mounts``.

    Raises
    ------
    StoreError
        Naming the kind of file system.
    """
    real = os.path.realpath(state_dir) + "/"
    best, kind = "", ""
    for line in mounts.splitlines():
        _, place, found, *_ = line.split(" ")
        place = place.replace("\\040", " ").rstrip("/") + "/"
        if real.startswith(place) and len(place) >= len(best):
            best, kind = place, found
    if kind in _NETWORK:
        raise StoreError(
            f"{state_dir}: lies on a network file system ({kind}), where a store gets damaged; choose a --state-dir "
            "on a disk of this machine (the pictures may lie on the network)"
        )
