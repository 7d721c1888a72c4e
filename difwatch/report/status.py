"""The status: whether the daemon is alive and complete, and what it is doing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from difwatch import paths
from difwatch.control.lock import Holder
from difwatch.matches.read import read_rules
from difwatch.model.health import FolderActivity, FolderHealth, Heartbeat, Queue
from difwatch.model.settings import Measure, Remembered, StoreSettings
from difwatch.report.found import Found, read_found
from difwatch.store import contents, files, folders, matches, rescans, settings
from difwatch.version import __version__

_SILENT_SECONDS = 120.0
_LATELY_SECONDS = 86_400.0
WATCHING = ("watch", "watch --once")
"""The work of a daemon, as the lock names it."""


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """One watched folder."""

    path: str
    state: FolderActivity
    files: int
    images: int
    unreadable: int
    directories: int | None
    unwatched: int | None
    passed_over: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """The status, as ``status --json`` prints it."""

    state: Literal["running", "stopped", "degraded"]
    reasons: list[str]
    notes: list[str]
    pid: int | None
    work: str | None
    version: str
    folders: list[FolderStatus]
    queue: Queue
    pace: int
    matches: int
    found: Found | None
    index_size: int
    remembered: Remembered | None
    measure: Measure | None
    losses: dict[str, int]
    lost_lately: bool
    last_scan: str | None
    last_new: str | None
    last_rescan: str | None
    last_rescan_result: dict[str, Any] | None
    rescan_progress: float | None
    last_error: str | None
    exit_code: int = field(default=0)

    def as_json(self) -> dict[str, Any]:
        """Return all but the exit code."""
        fields = {key: value for key, value in asdict(self).items() if key != "exit_code"}
        named = [folder | paths.as_json("path", os.fsencode(folder["path"])) for folder in fields["folders"]]
        return fields | {"folders": named}

    def headline(self) -> str:
        """Return the status in one sentence."""
        which = f"pid {self.pid}" if self.pid else "in another container"
        if self.work is not None and self.work not in WATCHING:
            return f"'difwatch {self.work}' is running ({which}); no daemon is."
        if self.state == "stopped":
            return "difwatch is not running."
        if self.state == "degraded":
            return f"difwatch is running ({which}), but something is not as it should be."
        busy = self.queue.total or any(folder.state == "scanning" for folder in self.folders)
        return f"difwatch is running ({which}) and {'catching up.' if busy else 'up to date.'}"


def read_status(
    connection: Connection | None, holder: Holder | None, heartbeat: Heartbeat, since_boot: float, most: int = 0
) -> Status:
    """Put the status together.

    Parameters
    ----------
    connection
        One view of the store; None while there is no store.
    holder
        The process that holds the state directory; None if there is none.
    heartbeat
        The last one that a daemon wrote.
    since_boot
        Seconds since the machine started.
    most
        Groups are counted where there are no more pictures than this.
    """
    alive = holder is not None and (holder.work or "watch") in WATCHING
    live = heartbeat if holder is not None and heartbeat.token == holder.token else Heartbeat()
    store = settings.get_in_force(connection) if connection else None
    counted = folders.counts(connection) if connection else []
    health = {folder.path: folder for folder in live.folders}
    nothing: FolderActivity = "scanning" if alive else "stopped"
    reasons = [*_silence(live, since_boot), *live.reasons]
    last = rescans.last_finished(connection) if connection else None
    return Status(
        state="stopped" if not alive else "degraded" if reasons else "running",
        reasons=reasons,
        notes=list(live.notes),
        pid=holder.pid or None if holder else None,
        work=holder.work or "watch" if holder else None,
        version=__version__,
        folders=[_folder(counts, health.get(counts.path, FolderHealth(counts.path, nothing))) for counts in counted],
        queue=live.queue,
        pace=live.pace,
        matches=_matches(connection, store) if connection and store else 0,
        found=read_found(connection, most) if connection and store and most else None,
        index_size=contents.count(connection, store.recipe_id) if connection and store else 0,
        remembered=store.remembered if store else None,
        measure=store.measure if store else None,
        losses=live.losses,
        lost_lately=live.lost is not None and since_boot - live.lost < _LATELY_SECONDS,
        last_scan=max((counts.scanned for counts in counted if counts.scanned), default=None),
        last_new=files.last_seen(connection) if connection else None,
        last_rescan=last.finished if last else None,
        last_rescan_result=_result(last) if last else None,
        rescan_progress=rescans.progress(connection) if connection else None,
        last_error=heartbeat.last_error,
        exit_code=1 if not alive else 3 if reasons else 0,
    )


def _matches(connection: Connection, store: StoreSettings) -> int:
    return matches.counted(connection, store.recipe_id, read_rules(connection).criteria)


def _folder(counts: folders.FolderCounts, health: FolderHealth) -> FolderStatus:
    return FolderStatus(
        path=os.fsdecode(counts.path),
        state=health.state,
        files=counts.files,
        images=counts.images,
        unreadable=counts.unreadable,
        directories=health.directories,
        unwatched=health.unwatched,
        passed_over=counts.passed_over,
    )


def _silence(live: Heartbeat, since_boot: float) -> list[str]:
    """Return a reason if the daemon is silent for too long; it normally reports every 30 s."""
    if live.beat is None or since_boot - live.beat < _SILENT_SECONDS:
        return []
    minutes = (since_boot - live.beat) / 60
    return [f"it has not given a sign for {minutes:.0f} minutes; if that goes on, start it again"]


def _result(last: rescans.LastRescan) -> dict[str, Any]:
    seconds = datetime.fromisoformat(last.finished) - datetime.fromisoformat(last.started)
    return {
        "pairs": last.pairs,
        "missing": last.missing,
        "wrong": last.wrong,
        "seconds": round(seconds.total_seconds(), 1),
    }
