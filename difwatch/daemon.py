"""The daemon: builds the parts from the configuration and turns the loop. It knows nothing about images."""

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

from difwatch import __version__, acting, control
from difwatch.actions.move import Rules
from difwatch.actions.trash import home_basket
from difwatch.answers import handlers
from difwatch.automatic import AutomaticMover
from difwatch.background import BackgroundSearch
from difwatch.config import Config
from difwatch.control.requests import Handler
from difwatch.errors import DifwatchError, IncompleteError, StoreForeignError, UsageError
from difwatch.imaging import exact_recipe, is_image_name
from difwatch.pipeline.intake import Limits
from difwatch.pipeline.keep import Keeper
from difwatch.pipeline.pool import WorkerPool
from difwatch.pipeline.run import Pipeline, Progress
from difwatch.pipeline.setup import prepare
from difwatch.store import backups, files, folders, open_writer, reading, upgrade, writing
from difwatch.watch import Guards, Inbox, Root, Settler, innermost

log = logging.getLogger(__name__)

_HEARTBEAT_SECONDS = 1.0
_LONGEST_PAUSE = 5.0
_PURGE_SECONDS = 600.0


class Daemon:
    """Watches the configured folders until told to stop.

    Parameters
    ----------
    config
        Checked.
    state_dir
        Where the store is; locked from here on.
    progress
        Told how far the work is, about once a second while there is some.
    notifier
        Tells systemd.
    read_config
        Reads and checks the configuration again.

    Raises
    ------
    StoreError
        Another difwatch works here, or the store cannot be used.
    """

    def __init__(
        self,
        config: Config,
        state_dir: Path,
        progress: Callable[[Progress], None],
        notifier: control.Notifier,
        read_config: Callable[[], Config],
    ) -> None:
        self._state_dir = state_dir
        self._progress = progress
        self._notifier = notifier
        self._read_config = read_config
        self._next_config: Config | None = None
        self._wants_reload = self._stopping = False
        self._copying: threading.Thread | None = None
        with contextlib.ExitStack() as opened:
            opened.callback(control.WriterLock(state_dir).release)
            # Started first: the workers load their libraries while the store is opened.
            self._pool = WorkerPool(config.worker_processes())
            opened.callback(self._pool.close)
            path = state_dir / "difwatch.db"
            self._engine = _open(path)
            opened.callback(self._engine.dispose)
            notifier.send("STATUS=opening the store", "EXTEND_TIMEOUT_USEC=600000000")
            upgrade(self._engine, path)
            with acting.journal_of(state_dir, _now):
                pass  # what a kill left open is settled before the folders are looked at
            self._inbox = Inbox()
            opened.callback(self._inbox.close)
            self._search = BackgroundSearch(self._engine, path, _now)
            self._build(config)
            self._requests = control.RequestServer(state_dir, self._answers())
            opened.callback(self._requests.close)
            self._opened = opened.pop_all()

    def _build(self, config: Config) -> None:
        recipe = exact_recipe(config.px_size)
        self._values = recipe.values
        watched = config.folders()
        ready = prepare(self._engine, watched, config.settings(), recipe, config.remembered(), config.max_pairs)
        self._folder_ids = ready.folder_ids
        with reading(self._engine) as connection:
            apart = config.destinations() | {*acting.destinations(connection), home_basket(os.environ).path}
        self._roots = [Root(one, is_image_name, apart) for one in watched]
        self._guards = Guards(self._roots, self._inbox, self._has_known)
        self._keeper = Keeper(
            self._engine, ready.index, recipe, ready.matching.recipe_id, ready.reach, self._folder_of
        )
        self._mover = AutomaticMover(
            self._engine,
            lambda: acting.journal_of(self._state_dir, _now),
            Rules(config.px_size, is_image_name, _now, config.sidecars),
            config.policies(),
            [one.path for one in watched],
            config.max_moves_per_hour,
            self._guards.is_ready,
            lambda: self._stopping,
        )
        self._pipeline = Pipeline(
            self._engine,
            self._pool,
            Settler(config.quiet_seconds, config.max_wait_seconds),
            Settler(config.quiet_seconds, config.max_wait_seconds),
            self._keeper,
            self._roots,
            recipe,
            ready.matching,
            Limits(),
            self._guards.is_online,
            self._scanned,
            self._mover.note,
        )

    def _answers(self) -> dict[str, Handler]:
        return handlers(
            self._engine,
            _now,
            self._keep_apart,
            self.reload,
            lambda asked: self._search.start(asked, self._keeper, self._values),
            self._search.state,
        )

    def _keep_apart(self, path: bytes) -> None:
        for root in self._roots:
            root.keep_apart(path)

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
        self._guards.doubt()
        self._inbox.wake()

    def run(self, once: bool = False) -> None:
        """Bring the store up to date, then follow changes until `stop`; ``once`` ends when it is up to date.

        Raises
        ------
        IncompleteError
            With ``once``: a folder could not be read.
        """
        self._arm(once)
        self._notifier.send("READY=1", "STATUS=watching")
        self._loop(once)
        if once and self._stopping:
            raise IncompleteError("stopped before the store was up to date; the same command goes on from there")
        if once and self._troubles():
            raise IncompleteError("\n".join(self._troubles()))

    def _troubles(self) -> list[str]:
        return self._guards.troubles() + self._pipeline.troubles() + self._mover.troubles()

    def _has_known(self, root: Root) -> bool:
        return next(files.below(self._engine, root.path), None) is not None

    def _arm(self, once: bool) -> None:
        for root in self._guards.arm(observe=not once, now=time.monotonic()):
            self._pipeline.scan(root)

    def _put_in_force(self) -> None:
        """Take over another configuration; the workers and the store stay."""
        if self._wants_reload:
            self._wants_reload = False
            try:
                self.reload()
            except UsageError as error:
                log.error("the configuration is wrong, and the one in force stays: %s", error)
        if self._next_config is None:
            return
        self._notifier.send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        config, self._next_config = self._next_config, None
        self._guards.disarm()
        self._build(config)
        self._arm(once=False)
        self._notifier.send("READY=1", "STATUS=watching")
        log.info("the configuration is in force", extra={"event": "reloaded", "fields": {}})

    def _loop(self, once: bool) -> None:
        beat, purged, dirty = 0.0, -_PURGE_SECONDS, True
        while not self._stopping:
            self._put_in_force()
            now = time.monotonic()
            self._requests.serve(now)
            for root in self._guards.look_after(now):
                self._pipeline.scan(root)
            self._pipeline.note(self._inbox.take(), now)
            self._pipeline.step(now, time.time())
            if self._pipeline.is_idle() and self._mover.has_work():
                self._mover.act(datetime.now(UTC))
            if self._pipeline.is_idle():
                self._search.step()
            if not self._pipeline.is_idle():
                dirty = True
            elif dirty and now - purged >= _PURGE_SECONDS:
                dirty, beat, purged = False, 0.0, now
                self._catch_up()
                if once:
                    return
                self._back_up()
            if now - beat >= _HEARTBEAT_SECONDS:
                beat = now
                self._beat()
            self._wait()

    def _wait(self) -> None:
        due = self._pipeline.next_step(time.monotonic())
        pause = _LONGEST_PAUSE if due is None else min(due, _LONGEST_PAUSE)
        if self._search.is_going_on() and self._pipeline.is_idle():
            pause = 0.0
        answers = [] if self._pipeline.is_busy() else self._pool.waitables()
        wait([self._inbox.fileno(), *self._requests.waitables(), *answers], timeout=pause)

    def _scanned(self, root: Root) -> None:
        self._guards.scanned(root)
        with writing(self._engine) as connection:
            folders.scanned(connection, self._folder_ids[root.path], _now())

    def _catch_up(self) -> None:
        forgotten = self._keeper.purge()
        if forgotten:
            log.info("forgot %d pictures that no file has any more", forgotten)
        done = self._pipeline.progress().done
        log.info("up to date; files read: %d", done, extra={"event": "up to date", "fields": {"read": done}})

    def _back_up(self) -> None:
        """Copy the store once a day, in a thread of its own: a large one takes minutes."""
        path, day = self._state_dir / "difwatch.db", _now()[:10]

        def copy() -> None:
            if trouble := backups.back_up(path, day):
                log.warning(trouble)

        if self._copying is None or not self._copying.is_alive():
            self._copying = threading.Thread(target=copy, name="backup", daemon=True)
            self._copying.start()

    def _folder_of(self, path: bytes) -> int:
        root = innermost(self._roots, path)
        if root is None:
            raise LookupError(f"{path!r} is in no watched folder")
        return self._folder_ids[root.path]

    def _beat(self) -> None:
        progress = self._pipeline.progress()
        self._progress(progress)
        left = progress.settling + progress.waiting + progress.working
        troubles = self._troubles()
        status = troubles[0] if troubles else f"{left} files on the way" if left else "up to date"
        self._notifier.send("WATCHDOG=1", f"STATUS={status}")
        control.write_heartbeat(
            self._state_dir,
            {
                "pid": os.getpid(),
                "version": __version__,
                "reasons": self._troubles(),
                "folders": [{"path": os.fsdecode(path), "state": state} for path, state in self._guards.states()],
                "queue": {
                    "settling": progress.settling,
                    "waiting": progress.waiting,
                    "working": progress.working,
                },
            },
        )

    def close(self) -> None:
        """End the workers and the observers, close the store, and give the lock back."""
        self._notifier.send("STOPPING=1")
        self._guards.disarm()
        self._opened.close()


def watch(
    read_config: Callable[[], Config], state_dir: Path, once: bool, progress: Callable[[Progress], None]
) -> None:
    """Run a daemon in the foreground until SIGTERM or SIGINT; SIGHUP makes it read its configuration again."""
    config = read_config()
    control.refuse_network(state_dir, Path("/proc/self/mounts").read_text(errors="replace"))
    daemon = Daemon(config, state_dir, progress, control.Notifier(os.environ), read_config)
    threading.excepthook = daemon.thread_died
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.stop())
    signal.signal(signal.SIGHUP, lambda *_: daemon.want_reload())
    try:
        daemon.run(once)
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
