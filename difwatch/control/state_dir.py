"""The state directory: where it is, where it must not be, and the names of what is in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from difwatch import paths
from difwatch.errors import StoreError, UsageError


@dataclass(frozen=True, slots=True)
class StateDir:
    """A state directory, and the paths of everything in it."""

    path: Path

    @property
    def store(self) -> Path:
        """The database of pictures and matches; its daily copies lie in a directory beside it."""
        return self.path / "difwatch.db"

    @property
    def journal(self) -> Path:
        """The journal of moves."""
        return self.path / "moves.db"

    @property
    def journal_lock(self) -> Path:
        """Held by the process that moves."""
        return self.path / "moves.lock"

    @property
    def decisions(self) -> Path:
        """What a person decided on the page, and is not done yet."""
        return self.path / "review.db"

    @property
    def lock(self) -> Path:
        """Held by the process that writes to the store."""
        return self.path / "lock"

    @property
    def socket(self) -> Path:
        """Where the writer of the store answers requests."""
        return self.path / "control.sock"

    @property
    def heartbeat(self) -> Path:
        """What the daemon reports about itself."""
        return self.path / "daemon.json"

    @property
    def canary(self) -> Path:
        """The directory of the file whose opening proves that events come through."""
        return self.path / "canary"

    def make(self) -> None:
        """Make the directory, for this user alone, or check that nobody else can put files into it.

        Raises
        ------
        StoreError
            It cannot be made, or belongs to another user than this one and root, or others than this user and its
            group may write to it.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            stat_result = self.path.stat()
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be made: {error.strerror}; choose another --state-dir") from error
        if os.geteuid() not in (0, stat_result.st_uid) and stat_result.st_uid != 0:
            raise StoreError(f"{self.path}: belongs to another user; choose another --state-dir")
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise StoreError(f"{self.path}: this user may not write there; choose another --state-dir")
        others = stat.S_IWOTH if stat_result.st_gid == os.getegid() else stat.S_IWGRP | stat.S_IWOTH
        if stat_result.st_mode & others and not stat_result.st_mode & stat.S_ISVTX:
            raise StoreError(
                f"{self.path}: other users may put files into it; say 'chmod go-w {self.path}', or choose another "
                "--state-dir"
            )

    def refuse_network(self, network: str | None) -> None:
        """Refuse to work on a network file system, where the locks and the shared memory of SQLite do not hold.

        Parameters
        ----------
        network
            The kind of network file system that the directory lies on; None if it lies on none.

        Raises
        ------
        StoreError
            The directory lies on a network file system; the text names its kind.
        """
        if network is not None:
            raise StoreError(
                f"{self.path}: lies on a network file system ({network}), where a store gets damaged; choose a "
                "--state-dir on a disk of this machine (the pictures may lie on the network)"
            )


OF_MACHINE = StateDir(Path("/var/lib/difwatch"))
"""That of a service of the machine."""


def default_state_dir(environment: Mapping[str, str]) -> StateDir:
    """Return the state directory that DIFWATCH_STATE_DIR, STATE_DIRECTORY (systemd) or the platform says."""
    named = environment.get("DIFWATCH_STATE_DIR") or environment.get("STATE_DIRECTORY")
    if named:
        return StateDir(Path(paths.expanded(named)))
    # Imported here, as most commands need no default and all load this module.
    import platformdirs

    try:
        return StateDir(platformdirs.user_state_path("difwatch"))
    except RuntimeError as error:
        raise UsageError("this user has no home directory to keep a store in; name a --state-dir") from error
