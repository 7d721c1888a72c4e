"""The flow, running: changes in, rows out. One thread, told the time, never waiting."""

from __future__ import annotations

import collections
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Engine

from difwatch.errors import StoreBusyError, StoreFullError
from difwatch.model import Answer, Change, ChangeKind, FileState, Recipe
from difwatch.pipeline.announce import (
    Matching,
    announce_gone,
    announce_matches,
    announce_moved,
    announce_unreadable,
    new_matches,
)
from difwatch.pipeline.decide import Decision, Verdict
from difwatch.pipeline.intake import Limits, Look, admits, decisions, jobs
from difwatch.pipeline.keep import Keeper, Kept
from difwatch.pipeline.pool import Pool
from difwatch.pipeline.retries import Retries
from difwatch.pipeline.walks import Walks
from difwatch.store import reading
from difwatch.watch import Root, Settler, innermost

log = logging.getLogger(__name__)

_INTAKE = 128  # paths decided at once
_READY_MOST = 50_000  # paths at rest, beyond which walks wait: they would find more than there is memory for
_BATCH = 256
_BATCH_SECONDS = 1.0
_BUSY_SECONDS = 0.01
_LONG_AGO = 1e9
_WRITTEN_SECONDS = 60.0  # so long a file that is being written to is asked about after each quiet period


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the pipeline is: files not yet at rest, waiting for a worker, at a worker, and done."""

    settling: int
    waiting: int
    working: int
    done: int
    scanning: bool


class Pipeline:
    """Carries changes through to the store.

    Parameters
    ----------
    engine
        The writer of the store.
    pool, settler, keeper
        The stages.
    roots
        The watched folders.
    walks
        Of the same roots.
    online
        Tells whether a root is there and the same as when it was armed; only then is a file believed gone.
    kept
        Told the paths of new pictures when they are kept.
    """

    def __init__(
        self,
        engine: Engine,
        pool: Pool,
        settler: Settler,
        trees: Settler,
        keeper: Keeper,
        roots: Sequence[Root],
        recipe: Recipe,
        matching: Matching,
        limits: Limits,
        walks: Walks,
        online: Callable[[Root], bool],
        kept: Callable[[Sequence[bytes]], None],
    ) -> None:
        self._engine = engine
        self._pool = pool
        self._settler = settler
        self._trees = trees
        self._keeper = keeper
        self._roots = roots
        self._recipe = recipe
        self._matching = matching
        self._limits = limits
        self._walks = walks
        self._online = online
        self._told_kept = kept
        self._ready: collections.deque[FileState] = collections.deque()
        self._answers: list[Answer] = []
        self._gone: list[bytes] = []
        self._unwanted: list[bytes] = []  # known, there, but no longer admitted by the rules of a root
        self._believed: set[bytes] = set()  # believed gone by a walk, which has looked at the file systems
        self._moved: dict[bytes, bytes] = {}  # new path to old, until the new one is kept
        self._left: set[bytes] = set()  # old paths of files that were kept under their new ones
        self._retries = Retries()
        self._written_since: dict[bytes, float] = {}  # files that another process has open for writing
        self._kept_at = 0.0
        self.paused: str | None = None
        """Why nothing can be kept."""
        self._stuck = False  # and that will hardly pass by itself
        self._done = 0

    def note(self, changes: Sequence[Change], now: float) -> None:
        """Take in what the system told."""
        for change in changes:
            waits = self._trees if change.kind is ChangeKind.TREE else self._settler
            root = innermost(self._roots, change.path)
            if change.kind is ChangeKind.TREE or (root and root.admits_file(change.path)):
                waits.note(FileState(change.path, None), now)

    def scan(self, root: Root, start: bytes | None = None) -> None:
        """Begin a walk of a root, or of a directory in it."""
        self._walks.begin(root, start)

    def step(self, now: float, wall: float) -> None:
        """Do what can be done now. ``now`` is steady, ``wall`` is the time that files are stamped with."""
        self._start_trees(now)
        self._walk(now, wall)
        for path in self._retries.due(now):
            self._settler.note(FileState(path, None), now)
        self._ready.extend(self._settler.due(now))
        self._answers += self._pool.collect(now)
        if self._ready and self._pool.backlog() < _INTAKE and self.paused is None:
            self._take_in(now)
            self._answers += self._pool.collect(now)
        waiting = len(self._answers) + len(self._gone) + len(self._unwanted)
        at_once = self.paused is None and (waiting >= _BATCH or self._drained())
        if waiting and (at_once or now - self._kept_at >= _BATCH_SECONDS):
            self._keep(now)

    def troubles(self) -> list[str]:
        """What could not be read and may be readable later, in words; each walk looks again."""
        files = [f"{os.fsdecode(path)}: {reason}" for path, reason in self._retries.reasons()]
        paused = [self.paused] if self.paused else []
        return paused + [f"{os.fsdecode(path)}: cannot be read" for path in sorted(self._walks.blind)] + files

    def is_stuck(self) -> bool:
        """Tell whether nothing can be kept because another process holds the store."""
        return self._stuck

    def progress(self) -> Progress:
        """How far it is."""
        return Progress(
            len(self._settler) + len(self._trees),
            len(self._ready),
            self._pool.backlog() + len(self._answers),
            self._done,
            bool(self._walks),
        )

    def is_idle(self) -> bool:
        """Tell whether nothing is left to do until something happens."""
        return not (
            self._walks
            or len(self._settler)
            or len(self._trees)
            or self._answers
            or self._gone
            or self._unwanted
            or not self._drained()
        )

    def next_step(self, now: float) -> float | None:
        """In how many seconds `step` must be called at the latest, if no answer or event comes before."""
        if self.is_busy():
            return _BUSY_SECONDS
        if self._walks_on() or (self._ready and self._pool.backlog() < _INTAKE and self.paused is None):
            return 0.0
        deadlines = [self._settler.next_deadline(), self._trees.next_deadline(), self._retries.next_deadline()]
        if self._answers or self._gone or self._unwanted:
            deadlines.append(self._kept_at + _BATCH_SECONDS)
        return min((max(0.0, one - now) for one in deadlines if one is not None), default=None)

    def is_busy(self) -> bool:
        """Tell whether the workers have enough to do for a while, so that answers need no hurry."""
        return self._pool.backlog() >= _INTAKE and not self._walks_on()

    def _walks_on(self) -> bool:
        return bool(self._walks) and len(self._ready) < _READY_MOST

    def _drained(self) -> bool:
        return not self._ready and not self._pool.backlog()

    def _start_trees(self, now: float) -> None:
        started: list[tuple[Root, bytes]] = []
        for state in sorted(self._trees.due(now), key=lambda one: one.path):
            root = innermost(self._roots, state.path)
            inside = any(root is other and state.path.startswith(path + b"/") for other, path in started)
            if root is not None and not inside and root.admits_directory(state.path):
                started.append((root, state.path))
                self.scan(root, state.path)

    def _walk(self, now: float, wall: float) -> None:
        if not self._walks_on():
            return
        for state in self._walks.step(now):
            if state.key is None:
                self._believed.add(state.path)
            age = _LONG_AGO if state.key is None else max(0.0, wall - state.key.mtime_ns / 1e9)
            self._settler.note(state, now, age)

    def _take_in(self, now: float) -> None:
        look = Look()
        states = self._looked_at(look, now)
        with reading(self._engine) as connection:
            decided = decisions(connection, states, self._roots, self._matching.recipe_id, look)
            todo = jobs(connection, decided, self._roots, self._recipe, self._matching.recipe_id, self._limits)
        for job in todo:
            self._pool.submit(job)
        for one in decided:
            if one.verdict in (Verdict.SAME, Verdict.GONE):
                self._let_be(one.state.path)
            self._leave(self._moved.pop(one.state.path, None))
            if one.source is not None:
                self._moved[one.state.path] = one.source
        self._let_go([one for one in decided if one.verdict is Verdict.GONE])
        self._believed.difference_update(state.path for state in states)

    def _looked_at(self, look: Look, now: float) -> list[FileState]:
        states = []
        for state in islice(iter(self._ready.popleft, None), min(_INTAKE, len(self._ready))):
            try:
                states.append(FileState(state.path, look(state.path)))
            except OSError as error:
                self._postpone(state.path, f"cannot be looked at: {error.strerror}", now)
        return states

    def _let_go(self, gone: Sequence[Decision]) -> None:
        # What is known of a file that was moved goes over to its new path first.
        moving = set(self._moved.values())
        for one in gone:
            if not admits(self._roots, one.state.path):
                self._unwanted.append(one.state.path)
            elif one.state.path not in moving and self._may_go(one.state.path, one.device):
                self._gone.append(one.state.path)

    def _leave(self, source: bytes | None) -> None:
        """Look at the old path of a file that is no longer being moved."""
        if source is not None:
            self._settler.note(FileState(source, None), 0.0, _LONG_AGO)

    def _may_go(self, path: bytes, device: int | None) -> bool:
        root = innermost(self._roots, path)
        if root is None:
            return True
        return self._online(root) and (path in self._believed or not self._walks.is_away(root, path, device))

    def _keep(self, now: float) -> None:
        answers, self._answers = self._answers, []
        gone, self._gone = self._gone, []
        unwanted, self._unwanted = self._unwanted, []
        self._kept_at = now
        try:
            kept = self._keeper.keep(answers, gone, unwanted)
        except (StoreFullError, StoreBusyError) as error:
            self._answers, self._gone, self._unwanted = answers + self._answers, gone + self._gone, unwanted
            if self.paused is None:
                log.error("%s; until then nothing is taken in", error)
            self.paused, self._stuck = str(error), isinstance(error, StoreBusyError)
            return
        self.paused, self._stuck = None, False
        answered = [one.state.path for one in kept.read] + [one.state.path for one in kept.unreadable]
        for path in (*answered, *kept.forgotten):
            self._let_be(path)
        for late in kept.postponed:
            self._leave(self._moved.pop(late.path, None))
            self._postpone(late.path, late.reason, now)
        for path in kept.being_written:
            if now - self._written_since.setdefault(path, now) < _WRITTEN_SECONDS:
                self._settler.note(FileState(path, None), now)
            else:
                self._postpone(path, "another process has it open for writing", now)
        self._done += len(kept.read) + len(kept.unreadable)
        for path in kept.unsettled:
            self._settler.note(FileState(path, None), now)
        for one in kept.unreadable:
            self._leave(self._moved.pop(one.state.path, None))
        fresh = self._fresh(kept)
        announce_unreadable(kept.unreadable)
        announce_gone([path for path in kept.forgotten if path not in self._left])
        self._left.difference_update(kept.forgotten)
        if fresh:
            with reading(self._engine) as connection:
                found = new_matches(connection, self._matching, fresh)
            announce_matches(found, self._matching.values)
            self._told_kept(fresh)

    def _let_be(self, path: bytes) -> None:
        self._retries.drop(path)
        self._written_since.pop(path, None)

    def _postpone(self, path: bytes, reason: str, now: float) -> None:
        if self._retries.put(path, reason, now):
            log.warning("%s: %s; what is known of it is kept", os.fsdecode(path), reason)

    def _fresh(self, kept: Kept) -> list[bytes]:
        """The kept paths whose matches are news: all but those of files that were only moved."""
        fresh = []
        for one in kept.read:
            source = self._moved.pop(one.state.path, None)
            self._leave(source)
            if source is not None and one.known:
                announce_moved(one.state.path, source)
                self._left.add(source)
            else:
                fresh.append(one.state.path)
        return fresh
