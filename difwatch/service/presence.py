"""Which folders are there, and what follows from their walks, by the guards and the store."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence

from sqlalchemy import Engine

from difwatch.clock import Clock
from difwatch.errors import StoreBusyError, StoreFullError
from difwatch.shown import shown_passed_over
from difwatch.store import files, folders, reading, writing
from difwatch.tree.mounts import mount_at
from difwatch.tree.roots import Root
from difwatch.tree.walked import Walked
from difwatch.watch.guards import Guards

log = logging.getLogger(__name__)

_DOUBT_SECONDS = 5.0


class StoredFolders:
    """What the store knows of the watched folders as a whole; implements `difwatch.watch.presence.KnownFiles`."""

    def __init__(self, engine: Engine, folder_ids: Mapping[bytes, int]) -> None:
        self._engine = engine
        self._folder_ids = folder_ids

    def has_known(self, root: Root) -> bool:
        """Tell whether files are known from a folder, and nobody confirmed that what is missing is gone."""
        return not self.is_released(root) and next(files.below(self._engine, root.path), None) is not None

    def is_released(self, root: Root) -> bool:
        """Tell whether a person confirmed that what is missing from a folder is gone."""
        with reading(self._engine) as connection:
            return folders.is_released(connection, self._folder_ids[root.path])


class StoredPresence:
    """Implements `difwatch.watch.presence.Presence`."""

    def __init__(
        self, guards: Guards, stored: StoredFolders, engine: Engine, folder_ids: Mapping[bytes, int], clock: Clock
    ) -> None:
        self._guards = guards
        self._stored = stored
        self._engine = engine
        self._folder_ids = folder_ids
        self._clock = clock

    def is_online(self, root: Root) -> bool:
        """Tell whether a folder is there and is the one that was armed; only then can a file in it be gone."""
        return self._guards.of(root.path).is_online()

    def is_remote(self, root: Root) -> bool:
        """Tell whether files of a folder may change on another machine, without an event on this one."""
        armed = self._guards.of(root.path).armed
        return armed is not None and armed.is_remote

    def has_inodes(self, root: Root, path: bytes) -> bool:
        """Tell whether a file of a folder keeps its inode number when its disk is mounted again."""
        armed = self._guards.of(root.path).armed
        mount = None if armed is None else mount_at(path, list(armed.mounts))
        return mount is None or mount.has_inodes

    def is_elsewhere(self, root: Root, dev: int, device_now: int | None) -> bool:
        """Tell whether a file that was on device ``dev`` lies on a file system that is not there now."""
        return self._guards.of(root.path).is_elsewhere(dev, device_now)

    def walk_ended(self, walked: Walked, now: float) -> Sequence[bytes]:
        """Process a complete walk and record its end; return the known files that are believed gone."""
        root, guard = walked.root, self._guards.of(walked.root.path)
        gone = guard.walked(walked, now, self._stored.is_released(root))
        if not guard.is_online():
            return gone
        try:
            with writing(self._engine) as connection:
                id_ = self._folder_ids[root.path]
                before = folders.passed_over(connection, id_)
                folders.scanned(connection, id_, self._clock.now(), guard.certain_identity, walked.passed_over)
        except (StoreBusyError, StoreFullError) as error:
            log.warning("%s: the end of the walk could not be noted (%s)", os.fsdecode(root.path), error)
            return gone
        if walked.passed_over and walked.passed_over != before:
            log.info("%s: %s", os.fsdecode(root.path), shown_passed_over(walked.passed_over))
        return gone

    def doubt(self, root: Root, now: float) -> None:
        """Schedule a walk of a whole folder, because a part of it could not be read."""
        self._guards.of(root.path).schedule.ask(now + _DOUBT_SECONDS)
