"""The parts of a daemon put together as the daemon does it, over real files and a real store.

Time passes only when told to, workers are replaced by this process, and what the system would report is told by hand.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from difwatch.compare.executor import Executor, Inline
from difwatch.config import Config
from difwatch.control.lock import WriterLock
from difwatch.control.notify import Notifier
from difwatch.control.requests import RequestServer
from difwatch.control.state_dir import StateDir
from difwatch.matches.collection import Collection
from difwatch.matches.read import read_collection
from difwatch.model.files import Change, ChangeKind
from difwatch.model.health import Progress
from difwatch.model.settings import Asked, Folder, Settings
from difwatch.service.answers import Answerer
from difwatch.service.background import BackgroundRescan
from difwatch.service.effects import Effects
from difwatch.service.health import Listeners
from difwatch.service.loop import Loop, Turn
from difwatch.service.possession import Possession
from difwatch.service.reload import ConfigSource
from difwatch.service.session import Resources, Session, StopSwitch
from difwatch.store import files, open_writer, reading, upgrade
from difwatch.watch.canary import Canary
from difwatch.watch.inbox import Inbox
from tests.support.clock import StandingClock
from tests.support.pool import InlinePool

LONG_AFTER = datetime(2500, 1, 1, tzinfo=UTC)
"""So that every file was stamped long ago, and need not be waited for."""


class CountingPool(InlinePool):
    """Notes what was really decoded."""

    def __init__(self) -> None:
        super().__init__()
        self.decoded: list[bytes] = []

    def collect(self, now):
        answers = super().collect(now)
        self.decoded += [answer.path for answer in answers if getattr(answer, "appearance", None)]
        return answers


class RecordingNotifier(Notifier):
    """Keeps what would be sent to systemd."""

    def __init__(self) -> None:
        super().__init__({})
        self.sent: list[str] = []

    def send(self, *states: str) -> None:
        self.sent += states


class HeldExecutor:
    """Runs nothing before it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, function, arguments))
        return future

    def run_one(self) -> None:
        """Run what was submitted first."""
        future, function, arguments = self.waiting.pop(0)
        future.set_result(function(*arguments))


class Wired:
    """A daemon in this process.

    Parameters
    ----------
    state
        The state directory.
    folders
        What is watched.
    settings
        What counts as a match.
    executor
        Does the work of full searches.
    values
        Of the configuration.
    """

    def __init__(
        self,
        state: Path,
        *folders: Folder,
        settings: Settings | None = None,
        executor: Executor | None = None,
        **values: Any,
    ) -> None:
        self._is_closed = False
        self.config = configuration(folders, settings or Settings(), values)
        self.clock = StandingClock(LONG_AFTER)
        self.pool = CountingPool()
        self.inbox = Inbox()
        state_dir = StateDir(state)
        self._lock = WriterLock(state_dir, "watch")
        self.engine = open_writer(state_dir.store)
        upgrade(self.engine, state_dir.store)
        self.resources = Resources(
            state_dir,
            self.engine,
            self.pool,
            self.inbox,
            Canary(state_dir.canary),
            Possession(self._lock, state_dir.store),
            self.clock,
            StopSwitch(self.inbox),
            confirm_seconds=0.0,
        )
        self.rescan = BackgroundRescan(self.engine, state_dir.store, executor or Inline(), self.clock)
        source = ConfigSource(lambda: self.config, self.inbox)
        self.notifier = RecordingNotifier()
        self.progress: list[Progress] = []
        listeners = Listeners(state_dir, self.notifier)
        self.loop = Loop(self.resources, source, self.rescan, listeners, self.progress.append)
        effects = Effects(self.loop, self.resources, self.rescan, source)
        self.requests = RequestServer(state_dir, Answerer(self.engine, effects, self.clock))

    @property
    def session(self) -> Session:
        return self.loop.session

    def turn(self) -> Turn:
        """One turn of the loop; folders are looked after when nothing else is to be done."""
        return self.loop.turn(look_after=self.session.pipeline.is_idle())

    def run(self) -> None:
        """Let time pass until nothing is left to do but what the executor is still at."""
        for _ in range(10_000):
            turn = self.turn()
            if turn is Turn.IDLE:
                return
            pause = self.session.pipeline.next_step(self.clock.monotonic())
            something_comes = self.pool.backlog() or self.session.guards.must_confirm()
            assert pause is not None or turn is Turn.AGAIN or something_comes, (
                "nothing would wake the loop, and something is left to do"
            )
            self.clock.move(max(pause or 0.0, 0.001))
        raise AssertionError("it does not come to rest")

    def scan(self) -> None:
        """Walk all folders as at a start, until what is gone is confirmed."""
        self.session.arm(False, self.clock.monotonic())
        self.run()

    def tell(self, *paths: Path | str, kind: ChangeKind = ChangeKind.FILE) -> None:
        """Report changes, as the system would."""
        self.inbox.put([Change(kind, os.fsencode(path)) for path in paths])

    def collection(self, threshold: float | None = None) -> Collection:
        with reading(self.engine) as connection:
            return read_collection(connection, Asked(threshold=threshold))

    def pairs(self, threshold: float | None = None) -> dict[tuple[bytes, bytes], tuple[int, int]]:
        """The pairs, as the twin gives them."""
        pairs = self.collection(threshold).pairs()
        return {(pair.a.path, pair.b.path): (pair.errors.sse, pair.errors.rotation) for pair in pairs}

    def paths(self) -> list[bytes]:
        """The known files of all folders."""
        return [row.path for root in self.session.roots for row in files.below(self.engine, root.path)]

    def close(self) -> None:
        """End it; a second time does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self.session.guards.disarm()
            self.requests.close()
            self.engine.dispose()
            self._lock.release()
            self.inbox.close()


def configuration(folders: tuple[Folder, ...], settings: Settings, values: dict[str, Any]) -> Config:
    """A configuration of some folders, as if it had been read from a file."""
    tables = []
    for folder in folders:
        table = {key: value for key, value in asdict(folder).items() if value is not None and key != "position"}
        table |= {"path": os.fsdecode(folder.path), "exclude": list(folder.exclude), "include": list(folder.include)}
        tables.append(table | ({"keep": list(folder.keep)} if folder.keep else {}))
    chosen = asdict(settings) | {"keep": list(settings.keep), "similarity": float(settings.threshold)}
    del chosen["threshold"]
    chosen |= {"recipe": "exact"}
    return Config.model_validate(chosen | {"folder": tables} | values)
