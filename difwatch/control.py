"""Who may write: the process that holds the lock of the state directory."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import struct
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from difwatch.errors import StoreBusyError, StoreError

log = logging.getLogger(__name__)

_FLOCK = "hhqqi"  # struct flock of 64-bit Linux: type, whence, start, length, pid


def default_state_dir(environment: Mapping[str, str]) -> Path:
    """Where the store and the journal are: DIFWATCH_STATE_DIR, STATE_DIRECTORY (systemd), or the platform's place."""
    named = environment.get("DIFWATCH_STATE_DIR") or environment.get("STATE_DIRECTORY")
    if named:
        return Path(os.path.expanduser(named))  # noqa: PTH111  (that of Path raises for an unknown user)
    return platformdirs.user_state_path("difwatch")


class WriterLock:
    """The right to write to a state directory, held until `release` or the end of the process.

    A record lock of the kernel: it ends with the process however that ends, so there is no stale lock, and
    the kernel itself knows the holder's pid.

    Raises
    ------
    StoreBusyError
        Another process holds it; the message names its pid.
    """

    def __init__(self, state_dir: Path) -> None:
        path = state_dir / "lock"
        try:
            state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{path}: cannot be made: {error.strerror}; choose another --state-dir") from error
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise StoreBusyError(
                f"{state_dir}: another difwatch (pid {holder(state_dir)}) is working with this state directory; "
                "stop it first, or choose another --state-dir"
            ) from error

    def release(self) -> None:
        """Give the right back."""
        os.close(self._descriptor)


def holder(state_dir: Path) -> int | None:
    """The pid of the process that holds the lock, None if nobody does. Takes no lock itself."""
    try:
        descriptor = os.open(state_dir / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack_from(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else int(pid)


def write_heartbeat(state_dir: Path, facts: dict[str, object]) -> None:
    """Leave what only the daemon knows where `status` finds it; replaced as a whole."""
    path = state_dir / "daemon.json"
    new = path.with_suffix(".new")
    try:
        new.write_text(json.dumps(facts), encoding="utf-8")
        new.replace(path)
    except OSError as error:
        # `status` will be old; that is no reason to stop watching.
        log.warning("%s: cannot be written (%s)", path, error.strerror)


def read_heartbeat(state_dir: Path) -> dict[str, object]:
    """What the daemon last left; empty if it never ran here."""
    try:
        found = json.loads((state_dir / "daemon.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
