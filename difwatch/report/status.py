"""Is it alive, is it complete, what is it doing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from difwatch import __version__
from difwatch.model import Remembered
from difwatch.store import contents, folders, matches, rescans, settings

_SILENT_SECONDS = 120.0
LOSSES = ("overflow", "reader_died", "watch_failed", "unmounted")


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """One watched folder; ``state`` is watching, polling, offline, scanning or stopped."""

    path: str
    state: str
    files: int
    images: int
    unreadable: int
    directories: int | None
    unwatched: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """How things are, as ``status --json`` prints it."""

    state: str
    reasons: list[str]
    pid: int | None
    version: str
    folders: list[FolderStatus]
    queue: dict[str, int]
    matches: int
    index_size: int
    remembered: Remembered | None
    losses: dict[str, int]
    last_scan: str | None
    last_rescan: str | None
    last_rescan_result: dict[str, Any] | None
    rescan_progress: float | None
    last_error: str | None
    exit_code: int = field(default=0)

    def as_json(self) -> dict[str, Any]:
        """All but the exit code."""
        return {key: value for key, value in asdict(self).items() if key != "exit_code"}

    def headline(self) -> str:
        """The one sentence that matters."""
        if self.state == "stopped":
            return "difwatch is not running."
        if self.state == "degraded":
            return f"difwatch is running (pid {self.pid}), but something is not as it should be."
        busy = sum(self.queue.values()) or any(one.state == "scanning" for one in self.folders)
        return f"difwatch is running (pid {self.pid}) and {'catching up.' if busy else 'up to date.'}"


def read_status(connection: Connection | None, pid: int | None, heartbeat: Mapping[str, Any], moment: str) -> Status:
    """Put the status together.

    Parameters
    ----------
    connection
        One view of the store; None while there is no store.
    pid
        Of the process that holds the state directory, None if there is none.
    heartbeat
        What the daemon last left.
    moment
        Now, ISO 8601.
    """
    alive = pid is not None
    live = heartbeat if alive and heartbeat.get("pid") == pid else {}
    states: dict[str, dict[str, Any]] = {one["path"]: one for one in live.get("folders", [])}
    now = settings.get_in_force(connection) if connection else None
    counted = folders.counts(connection) if connection else []
    listed = [
        FolderStatus(
            path=path,
            state=states.get(path, {}).get("state", "scanning" if alive else "stopped"),
            files=one.files,
            images=one.images,
            unreadable=one.unreadable,
            directories=states.get(path, {}).get("directories"),
            unwatched=states.get(path, {}).get("unwatched"),
        )
        for one, path in ((one, os.fsdecode(one.path)) for one in counted)
    ]
    reasons = [*_silence(live, moment), *live.get("reasons", [])]
    last = rescans.last_finished(connection) if connection else None
    state = "stopped" if not alive else "degraded" if reasons else "running"
    return Status(
        state=state,
        reasons=reasons,
        pid=pid,
        version=__version__,
        folders=listed,
        queue=live.get("queue", {"settling": 0, "waiting": 0, "working": 0}),
        matches=matches.count(connection) if connection else 0,
        index_size=contents.count(connection, now.recipe_id) if connection and now else 0,
        remembered=now.remembered if now else None,
        losses=live.get("losses", dict.fromkeys(LOSSES, 0)),
        last_scan=max((one.scanned for one in counted if one.scanned), default=None),
        last_rescan=last.finished if last else None,
        last_rescan_result=_result(last) if last else None,
        rescan_progress=rescans.progress(connection) if connection else None,
        last_error=heartbeat.get("last_error"),
        exit_code={"stopped": 1, "degraded": 3}.get(state, 0),
    )


def _silence(live: Mapping[str, Any], moment: str) -> list[str]:
    """That the daemon has not given a sign for too long, in words; its loop gives one every half a minute."""
    at = live.get("at")
    if at is None:
        return []
    seconds = (datetime.fromisoformat(moment) - datetime.fromisoformat(at)).total_seconds()
    if seconds < _SILENT_SECONDS:
        return []
    return [f"it has not given a sign for {seconds / 60:.0f} minutes; if that goes on, start it again"]


def _result(last: rescans.LastRescan) -> dict[str, Any]:
    seconds = datetime.fromisoformat(last.finished) - datetime.fromisoformat(last.started)
    return {
        "pairs": last.pairs,
        "missing": last.missing,
        "wrong": last.wrong,
        "seconds": round(seconds.total_seconds(), 1),
    }
