"""The parts of the daemon, made from a configuration and joined."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from difwatch import acting
from difwatch.actions.move import Rules
from difwatch.actions.trash import home_basket
from difwatch.automatic import AutomaticMover
from difwatch.config import Config
from difwatch.errors import StoreBusyError, StoreFullError
from difwatch.imaging import is_image_name, named_recipe
from difwatch.pipeline.keep import Keeper
from difwatch.pipeline.pool import Pool
from difwatch.pipeline.run import Pipeline
from difwatch.pipeline.setup import prepare
from difwatch.pipeline.walks import Walks
from difwatch.store import files, folders, reading, writing
from difwatch.watch import Canary, Guards, Identity, Inbox, Root, Settler, Walked, innermost

log = logging.getLogger(__name__)

_DOUBT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Ground:
    """What outlives a change of the configuration.

    ``clock`` gives the time as ISO 8601, ``steady`` in seconds; ``confirm_seconds`` is the pause before a walk that
    confirms another one.
    """

    state_dir: Path
    engine: Engine
    pool: Pool
    inbox: Inbox
    canary: Canary
    clock: Callable[[], str]
    steady: Callable[[], float]
    is_stopping: Callable[[], bool]
    confirm_seconds: float


@dataclass(frozen=True, slots=True)
class Parts:
    """What is made anew for each configuration; ``values`` is how many a tensor has."""

    roots: Sequence[Root]
    guards: Guards
    keeper: Keeper
    mover: AutomaticMover
    pipeline: Pipeline
    values: int

    def troubles(self) -> list[str]:
        """What is not as it should be, in words."""
        return self.guards.troubles() + self.pipeline.troubles() + self.mover.troubles()

    def keep_apart(self, path: bytes) -> None:
        """From now on, nothing in this directory counts."""
        for root in self.roots:
            root.keep_apart(path)


def make_parts(config: Config, ground: Ground) -> Parts:
    """Bring the store in line with a configuration, and make what works with it.

    Raises
    ------
    StoreError
        The store is as it was.
    """
    engine, recipe = ground.engine, named_recipe(config.recipe, config.px_size)
    watched = config.folders()
    ready = prepare(engine, watched, config.settings(), recipe, config.remembered(), config.max_pairs)
    with reading(engine) as connection:
        apart = config.destinations() | {*acting.destinations(connection), home_basket(os.environ).path}
    roots = [Root(one, is_image_name, apart) for one in watched]

    def has_known(root: Root) -> bool:
        with reading(engine) as connection:
            released = folders.is_released(connection, ready.folder_ids[root.path])
        return not released and next(files.below(engine, root.path), None) is not None

    with reading(engine) as connection:
        before = {path: Identity(*found) for path, found in folders.identities(connection).items()}
    guards = Guards(roots, ground.inbox, has_known, before, ground.canary, ground.confirm_seconds)
    keeper = Keeper(
        engine,
        ready.index,
        recipe,
        ready.matching.recipe_id,
        ready.reach,
        _folder_of(roots, ready.folder_ids),
        ground.clock,
    )
    mover = AutomaticMover(
        engine,
        lambda: acting.journal_of(ground.state_dir, ground.clock),
        Rules(config.px_size, is_image_name, ground.clock, config.sidecars, recipe=config.recipe),
        config.policies(),
        [one.path for one in watched],
        config.max_moves_per_hour,
        guards.is_ready,
        ground.is_stopping,
    )

    def walked(outcome: Walked, now: float) -> Sequence[bytes]:
        root, folder_id = outcome.root, ready.folder_ids[outcome.root.path]
        with reading(engine) as connection:
            released = folders.is_released(connection, folder_id)
        gone = guards.walked(outcome, now, released)
        if not guards.is_online(root):
            return gone
        try:
            with writing(engine) as connection:
                folders.scanned(connection, folder_id, ground.clock(), guards.certain_identity(root))
        except (StoreBusyError, StoreFullError) as error:
            log.warning("%s: the end of the walk could not be noted (%s)", os.fsdecode(root.path), error)
        return gone

    def doubt(root: Root, now: float) -> None:
        guards.ask_for_walk(root.path, now + _DOUBT_SECONDS)

    walks = Walks(engine, roots, ready.matching.recipe_id, guards.device_now, walked, doubt, ground.steady)
    pipeline = Pipeline(
        engine,
        ground.pool,
        Settler(config.quiet_seconds, config.max_wait_seconds),
        Settler(config.quiet_seconds, config.max_wait_seconds),
        keeper,
        roots,
        recipe,
        ready.matching,
        config.limits(),
        walks,
        guards.is_online,
        mover.note,
    )
    return Parts(roots, guards, keeper, mover, pipeline, recipe.values)


def _folder_of(roots: Sequence[Root], ids: Mapping[bytes, int]) -> Callable[[bytes], int]:
    def folder_of(path: bytes) -> int:
        root = innermost(roots, path)
        if root is None:
            raise LookupError(f"{path!r} is in no watched folder")
        return ids[root.path]

    return folder_of
