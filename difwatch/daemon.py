"""The daemon: opens what it needs, and turns the loop. It knows nothing about images."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.connection import wait
from pathlib import Path

from sqlalchemy import Engine

from difwatch import acting, control
from difwatch.answers import handlers
from difwatch.background import BackgroundSearch
from difwatch.config import Config
from difwatch.errors import (
    DifwatchError,
    IncompleteError,
    StoreBusyError,
    StoreForeignError,
    StoreFullError,
    UsageError,
)
from difwatch.model import Change, ChangeKind
from difwatch.parts import Ground, make_parts
from difwatch.pipeline.pool import WorkerPool
from difwatch.pipeline.run import Progress
from difwatch.store import backups, open_writer, upgrade, writing
from difwatch.upkeep import Upkeep
from difwatch.vitals import Listeners, Vitals
from difwatch.watch import Canary, Inbox

log = logging.getLogger(__name__)

_HEARTBEAT_SECONDS = 1.0
_LONGEST_PAUSE = 5.0
_CONFIRM_SECONDS = 5.0


class Daemon:
    """Watches the configured folders until told to stop.

    Parameters
    ----------
    config
        Checked.
    listeners
        Told how it is; the state directory among them is locked from here on.
    progress
        Told how far the work is, about once a second while there is some.
    read_config
        Reads and checks the configuration again.
    once
        End when the store is up to date, without following changes.

    Raises
    ------
    StoreError
        Another difwatch works here, or the store cannot be used.
    """

    def __init__(
        self,
        config: Config,
        listeners: Listeners,
        progress: Callable[[Progress], None],
        read_config: Callable[[], Config],
        once: bool,
    ) -> None:
        state_dir, self._notifier = listeners.state_dir, listeners.notifier
        self._progress = progress
        self._read_config = read_config
        self._once = once
        self._config = config
        self._next_config: Config | None = None
        self._wants_reload = self._stopping = self._moves_on = False
        with contextlib.ExitStack() as opened:
            opened.callback(control.WriterLock(state_dir).release)
            # Started first: the workers load their libraries while the store is opened.
            self._pool = WorkerPool(config.worker_processes(), config.worker_limits())
            opened.callback(self._pool.close)
            path = state_dir / "difwatch.db"
            engine = _open(path)
            opened.callback(engine.dispose)
            self._notifier.send("STATUS=opening the store", "EXTEND_TIMEOUT_USEC=600000000")
            upgrade(engine, path)
            # What a kill left open is settled before the folders are looked at.
            with acting.journal_of(state_dir, _now) as journal, writing(engine) as connection:
                acting.recall_destinations(connection, journal, [one.path for one in config.folders()])
            self._inbox = Inbox()
            opened.callback(self._inbox.close)
            canary = Canary(state_dir / "canary")
            pause = 0.0 if once else _CONFIRM_SECONDS
            steady, is_stopping = time.monotonic, lambda: self._stopping
            self._ground = Ground(
                state_dir, engine, self._pool, self._inbox, canary, _now, steady, is_stopping, pause
            )
            self._parts = make_parts(config, self._ground)
            self._search = BackgroundSearch(engine, path, _now)
            self._upkeep = Upkeep(path)
            self._vitals = Vitals(listeners, _now)
            self._requests = control.RequestServer(state_dir, self._handlers(engine))
            opened.callback(self._requests.close)
            self._opened = opened.pop_all()

    def _handlers(self, engine: Engine) -> dict[str, control.Handler]:
        return handlers(
            engine,
            _now,
            lambda path: self._parts.keep_apart(path),
            self.reload,
            lambda asked: self._search.start(asked, self._parts.keeper, self._parts.values),
            self._search.state,
            lambda path: self._parts.guards.ask_for_walk(path, time.monotonic()),
            lambda paths: self._inbox.put(Change(ChangeKind.FILE, path) for path in paths),
        )

    def want_reload(self) -> None:
        """Read the configuration again soon; allowed in a signal handler."""
        self._wants_reload = True
        self._inbox.wake()

    def reload(self) -> None:
        """Read the configuration, and put it in force soon.

        Raises
        ------
        UsageError
            It is wrong; the one in force stays.
        """
        self._next_config = self._read_config()

    def stop(self) -> None:
        """Make `run` return after the batch in hand; allowed in a signal handler."""
        self._stopping = True
        self._inbox.wake()

    def thread_died(self, args: threading.ExceptHookArgs) -> None:
        """Look after the folders at once, because a thread of a watcher ended by an exception."""
        log.error(
            "a watching thread ended (%s: %s); watching and scanning anew", args.exc_type.__name__, args.exc_value
        )
        self._parts.guards.doubt()

    def run(self) -> None:
        """Bring the store up to date, then follow changes until `stop`.

        Raises
        ------
        IncompleteError
            Once: a folder could not be read.
        """
        self._arm(observe=not self._once)
        self._notifier.send("READY=1", "STATUS=watching")
        self._loop()
        if self._once and self._stopping:
            raise IncompleteError("stopped before the store was up to date; the same command goes on from there")
        if self._once and (troubles := self._parts.troubles()):
            raise IncompleteError("\n".join(troubles))

    def _arm(self, observe: bool) -> None:
        for root in self._parts.guards.arm(observe, time.monotonic()):
            self._parts.pipeline.scan(root)

    def _put_in_force(self) -> None:
        """Take over another configuration, with new workers; the store stays."""
        if self._wants_reload:
            self._wants_reload = False
            try:
                self.reload()
            except UsageError as error:
                for mistake in str(error).splitlines():
                    log.error("the configuration is wrong, and the one in force stays: %s", mistake)
        if self._next_config is None:
            return
        self._notifier.send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            parts = make_parts(self._next_config, self._ground)
        except (StoreBusyError, StoreFullError) as error:
            log.error("the configuration is not in force yet, and tried again: %s", error)
            self._notifier.send("READY=1")
            return
        self._parts.guards.disarm()
        self._parts, self._config, self._next_config = parts, self._next_config, None
        self._search.widen(parts.keeper)
        self._upkeep.expect()
        # What was asked under the old configuration must not be kept under the new one; the walk asks again.
        self._pool.restart(self._config.worker_processes(), self._config.worker_limits())
        self._arm(observe=True)
        self._notifier.send("READY=1", "STATUS=watching")
        log.info("the configuration is in force", extra={"event": "reloaded", "fields": {}})

    def _loop(self) -> None:
        beat = 0.0
        while not self._stopping:
            self._put_in_force()
            now = time.monotonic()
            self._requests.serve(now)
            idle = self._step(now)
            if self._once and self._parts.pipeline.paused:
                raise IncompleteError(self._parts.pipeline.paused)
            if not idle:
                self._upkeep.note_work()
            elif self._upkeep.is_due(now) and not self._search.is_going_on():
                beat = 0.0
                self._catch_up(now)
                if self._once:
                    return
            if now - beat >= _HEARTBEAT_SECONDS:
                beat = now
                self._follow_links()
                self._progress(self._parts.pipeline.progress())
                self._vitals.tell(self._parts, now)
            self._wait()

    def _step(self, now: float) -> bool:
        """Do what there is to do; tell whether nothing is left."""
        pipeline, mover = self._parts.pipeline, self._parts.mover
        if pipeline.is_idle() or not self._once:  # then a walk that confirms another one finds all that was moved
            for root in self._parts.guards.look_after(now):
                pipeline.scan(root)
        pipeline.note(self._inbox.take(), now)
        pipeline.step(now, time.time())
        self._moves_on = pipeline.is_idle() and mover.act(datetime.now(UTC))
        if pipeline.is_idle():
            self._search.step()
        return pipeline.is_idle() and not self._moves_on and not self._parts.guards.must_confirm()

    def _follow_links(self) -> None:
        """Begin anew when the path of a folder leads elsewhere than before."""
        if {one.path for one in self._config.folders()} != {root.path for root in self._parts.roots}:
            log.warning("the path of a folder leads elsewhere now")
            self._next_config = self._config

    def _wait(self) -> None:
        pipeline = self._parts.pipeline
        due = pipeline.next_step(time.monotonic())
        pause = _LONGEST_PAUSE if due is None else min(due, _LONGEST_PAUSE)
        if self._once and pipeline.is_idle() and self._parts.guards.must_confirm():
            pause = 0.0
        if self._moves_on or (self._search.is_going_on() and pipeline.is_idle()):
            pause = 0.0
        if pause > _HEARTBEAT_SECONDS and self._vitals.has_news(self._parts):
            pause = _HEARTBEAT_SECONDS
        answers = [] if pipeline.is_busy() else self._pool.waitables()
        wait([self._inbox.fileno(), *self._requests.waitables(), *answers], timeout=pause)

    def _catch_up(self, now: float) -> None:
        self._upkeep.forget(self._parts.keeper, now)
        done = self._parts.pipeline.progress().done
        log.info("up to date; files read: %d", done, extra={"event": "up to date", "fields": {"read": done}})
        if not self._once:
            self._upkeep.copy(_now()[:10])

    def close(self) -> None:
        """End the workers and the observers, close the store, and give the lock back."""
        self._notifier.send("STOPPING=1")
        self._parts.guards.disarm()
        self._opened.close()


def watch(
    read_config: Callable[[], Config],
    state_dir: Path,
    once: bool,
    progress: Callable[[Progress], None],
    metrics_file: Path | None = None,
) -> None:
    """Run a daemon in the foreground until SIGTERM or SIGINT; SIGHUP makes it read its configuration again."""
    config = read_config()
    control.refuse_network(state_dir, Path("/proc/self/mounts").read_text(errors="replace"))
    listeners = Listeners(state_dir, control.Notifier(os.environ), metrics_file)
    daemon = Daemon(config, listeners, progress, read_config, once)
    threading.excepthook = daemon.thread_died
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.stop())
    signal.signal(signal.SIGHUP, lambda *_: daemon.want_reload())
    try:
        daemon.run()
    except DifwatchError as error:
        control.write_heartbeat(state_dir, {**control.read_heartbeat(state_dir), "last_error": str(error)})
        raise
    finally:
        daemon.close()


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _open(path: Path) -> Engine:
    """Open the store; a damaged one is put aside for the last good copy, or for a new one."""
    try:
        return open_writer(path)
    except StoreForeignError as error:
        log.error("%s: %s", error, backups.replace_damaged(path, _now()[:19].replace(":", "")))
        return open_writer(path)
