"""What acts of a person, not of the daemon, go by, and what the store is told when they are undone."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from difwatch.actions.entry import Entry
from difwatch.actions.move import ActRules
from difwatch.clock import SystemClock
from difwatch.config import Config
from difwatch.control.lock import holder
from difwatch.control.state_dir import StateDir
from difwatch.errors import DifwatchError
from difwatch.extensions import is_watched_name
from difwatch.matches.rules import MatchRules
from difwatch.report.status import WATCHING
from difwatch.service.restoring import restore
from difwatch.service.writer import Writer
from difwatch.store import writing
from difwatch.workers.decoder import Decoding, WorkerDecoder


@contextlib.contextmanager
def act_rules(settings: MatchRules, configured: Config, sidecars: str, across_owners: bool) -> Iterator[ActRules]:
    """Yield the rules by which acts of this user are carried out."""
    clock = SystemClock()
    limits = replace(configured.worker_limits(), apart=True)
    processes = configured.worker_processes()
    decoding = Decoding(settings.px, settings.recipe, configured.limits(), limits, processes)
    watched = [folder.path for folder in settings.folders.values()]
    with contextlib.closing(WorkerDecoder(decoding, clock)) as decoder:
        yield ActRules(
            decoder, is_watched_name, clock, sidecars, dict(os.environ), os.getuid(), across_owners, watched
        )


def restored(state_dir: StateDir, entries: Sequence[Entry]) -> bool:
    """Take pictures into the store again that were put back, unless a daemon does.

    Returns
    -------
    bool
        Whether all of them are in it, or will be.
    """
    if not state_dir.store.exists():
        return True  # they were moved by scan or the library
    try:
        with Writer(state_dir, "undo") as writer:
            if writer.engine is None:
                holding = holder(state_dir)
                return holding is not None and (holding.work or "watch") in WATCHING
            with writing(writer.engine) as connection:
                files = [(entry.source, entry.digest) for entry in entries]
                return restore(connection, files, SystemClock().now()) == len(files)
    except DifwatchError:
        return False
