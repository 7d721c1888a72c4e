"""What acts of this user, not of the daemon, go by."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace

from difwatch.actions.move import ActRules
from difwatch.clock import SystemClock
from difwatch.config import Config
from difwatch.extensions import is_watched_name
from difwatch.matches.rules import MatchRules
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
