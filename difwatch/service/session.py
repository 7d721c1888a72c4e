"""What a configuration puts to work, and what outlives a configuration."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Engine

from difwatch.actions.move import ActRules
from difwatch.actions.trash import home_basket
from difwatch.clock import Clock
from difwatch.config import Config
from difwatch.control.state_dir import StateDir
from difwatch.extensions import is_watched_name
from difwatch.imaging.fingerprint import named_recipe
from difwatch.model.jobs import WorkerLimits
from difwatch.pipeline.consequences import Consequences
from difwatch.pipeline.intake import Intake
from difwatch.pipeline.keep import Keeper
from difwatch.pipeline.resting import Resting
from difwatch.pipeline.run import Pipeline
from difwatch.pipeline.walks import Walks
from difwatch.service.mover import AutomaticMover, MovePolicies
from difwatch.service.possession import Possession
from difwatch.service.prepare import prepare
from difwatch.service.presence import StoredFolders, StoredPresence
from difwatch.store import destinations, folders, reading
from difwatch.tree.identity import Identity
from difwatch.tree.roots import Root
from difwatch.watch.canary import Canary
from difwatch.watch.guards import Guards
from difwatch.watch.inbox import Inbox
from difwatch.workers.decoder import Decoding, WorkerDecoder
from difwatch.workers.pool import Pool

log = logging.getLogger(__name__)

_LOOK_SECONDS = 20.0  # in which a picture must be decoded once more before it moves, as nothing else goes on then
_FAST_IS_EXACT_FROM = 1.0  # an MSE; two tensors of one picture differ by no more by the recipe `fast`


class StopSwitch:
    """Whether the daemon was asked to stop; ``inbox`` is woken then."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.is_stopping = False

    def stop(self) -> None:
        """Ask the daemon to stop after the batch in hand; allowed in a signal handler."""
        self.is_stopping = True
        self._inbox.wake()


@dataclass(frozen=True, slots=True)
class Resources:
    """What outlives a change of the configuration.

    Attributes
    ----------
    engine
        The writer of the store in ``state_dir``.
    inbox, canary
        Shared by all observers.
    confirm_seconds
        Pause before a walk that confirms that files are gone.
    """

    state_dir: StateDir
    engine: Engine
    pool: Pool
    inbox: Inbox
    canary: Canary
    possession: Possession
    clock: Clock
    switch: StopSwitch
    confirm_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Session:
    """What a configuration puts to work; made by `make_session`."""

    config: Config
    roots: Sequence[Root]
    guards: Guards
    keeper: Keeper
    mover: AutomaticMover
    pipeline: Pipeline

    def arm(self, observe: bool, now: float) -> None:
        """Begin to walk the folders and, with ``observe``, to watch them."""
        for root in self.guards.arm(observe, now):
            self.pipeline.scan(root)

    def exclude(self, path: bytes) -> None:
        """Exclude everything in a directory from now on."""
        for root in self.roots:
            root.exclude(path)

    def troubles(self) -> list[str]:
        """Return what is not as it should be, in words."""
        return self.guards.troubles() + self.pipeline.troubles() + self.mover.troubles()

    def replaced(self, config: Config, resources: Resources) -> Session:
        """Put another configuration to work, with new workers; return the session that replaces this one.

        Raises
        ------
        StoreError
            The store cannot be used; this session stays.
        """
        new = make_session(config, resources)
        self.guards.disarm()
        # Answers under the old configuration must not be kept under the new one; the walk asks again.
        resources.pool.restart(config.worker_processes(), config.worker_limits())
        new.arm(True, resources.clock.monotonic())
        return new


class _Permission:
    """Implements `difwatch.service.mover.Permission`."""

    def __init__(self, guards: Guards, switch: StopSwitch) -> None:
        self._guards = guards
        self._switch = switch

    def is_ready(self, path: bytes) -> bool:
        """Tell whether a watched folder is there and completely known."""
        return self._guards.of(path).is_whole()

    def is_stopping(self) -> bool:
        """Tell whether the daemon was asked to stop."""
        return self._switch.is_stopping


def _briefly(limits: WorkerLimits) -> WorkerLimits:
    return replace(limits, seconds=min(limits.seconds, _LOOK_SECONDS), apart=True)


def make_session(config: Config, resources: Resources) -> Session:
    """Bring the store in line with a configuration, and make its session.

    Raises
    ------
    StoreError
        The store cannot be used, and is as it was.
    """
    engine, clock = resources.engine, resources.clock
    watched, recipe = config.folders(), named_recipe(config.recipe, config.px_size)
    if config.recipe == "fast" and config.similarity < _FAST_IS_EXACT_FROM:
        log.warning(
            "similarity = %g: copies of a large JPEG in another format may have an MSE of 0.05 by recipe = "
            '"fast"; recipe = "exact" finds them all',
            config.similarity,
        )
    ready = prepare(engine, watched, config.settings(), recipe, config.remembered(), config.max_pairs)
    with reading(engine) as connection:
        excluded = config.destinations() | {*destinations.all_of(connection), home_basket(os.environ).path}
        identities = {path: Identity(*known) for path, known in folders.identities(connection).items()}
    roots = [Root(folder, is_watched_name, excluded) for folder in watched]
    stored = StoredFolders(engine, ready.folder_ids)
    guards = Guards(roots, resources.inbox, stored, identities, resources.canary, resources.confirm_seconds)
    presence = StoredPresence(guards, stored, engine, ready.folder_ids, clock)
    keeper = Keeper(engine, ready.index, ready.store, ready.reach, roots, ready.folder_ids, clock)
    decoding = Decoding(config.px_size, config.recipe, config.limits(), _briefly(config.worker_limits()))
    decoder = WorkerDecoder(decoding, clock)
    mover = AutomaticMover(
        engine,
        resources.state_dir,
        ActRules(
            decoder,
            is_watched_name,
            clock,
            config.sidecars,
            across_owners=config.across_owners,
            watched=[folder.path for folder in watched],
        ),
        MovePolicies(config.policies(), [folder.path for folder in watched], config.max_moves_per_hour),
        _Permission(guards, resources.switch),
    )
    resting = Resting(roots, config.quiet_seconds, config.max_wait_seconds)
    pipeline = Pipeline(
        Walks(engine, roots, presence, ready.store.recipe_id, clock),
        resting,
        Intake(engine, roots, presence, ready.store, config.limits()),
        resources.pool,
        keeper,
        Consequences(engine, recipe.px, resting, mover),
    )
    return Session(config, roots, guards, keeper, mover, pipeline)
