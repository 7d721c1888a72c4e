"""What only the daemon knows, left where `status` finds it."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict
from typing import Any

from difwatch import paths
from difwatch.control.state_dir import StateDir
from difwatch.model.health import FolderHealth, Heartbeat, Queue

log = logging.getLogger(__name__)


def write_heartbeat(state_dir: StateDir, heartbeat: Heartbeat) -> None:
    """Replace the last heartbeat as a whole; a failed write is logged, as it is no reason to stop watching."""
    new = state_dir.heartbeat.with_suffix(".new")
    try:
        new.unlink(missing_ok=True)  # of a daemon that was killed; a link that somebody planted is not followed
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:  # noqa: PTH123
            file.write(json.dumps(_to_json(heartbeat)))
        new.replace(state_dir.heartbeat)
    except OSError as error:
        log.warning("%s: cannot be written (%s)", state_dir.heartbeat, error.strerror)


def read_heartbeat(state_dir: StateDir) -> Heartbeat:
    """Return the last heartbeat; an empty one if the daemon never ran here, or was another version."""
    try:
        return _from_json(json.loads(state_dir.heartbeat.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Heartbeat()


def _to_json(heartbeat: Heartbeat) -> dict[str, Any]:
    return asdict(heartbeat) | {
        "folders": [asdict(folder) | {"path": paths.as_text(folder.path)} for folder in heartbeat.folders]
    }


def _from_json(values: dict[str, Any]) -> Heartbeat:
    folders = tuple(
        FolderHealth(**folder | {"path": paths.from_text(folder["path"])}) for folder in values["folders"]
    )
    texts = {name: tuple(values[name]) for name in ("reasons", "notes")}
    return Heartbeat(**values | texts | {"folders": folders, "queue": Queue(**values["queue"])})
