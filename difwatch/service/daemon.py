"""The daemon: what is opened and closed once, and the signals. It knows nothing about images."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from difwatch import paths
from difwatch.actions.access import open_journal
from difwatch.clock import Clock, SystemClock
from difwatch.compare.executor import Executor
from difwatch.config import Config
from difwatch.control.heartbeat import read_heartbeat, write_heartbeat
from difwatch.control.lock import WriterLock
from difwatch.control.notify import Notifier
from difwatch.control.priority import give_way
from difwatch.control.requests import RequestServer
from difwatch.control.state_dir import StateDir
from difwatch.errors import DifwatchError
from difwatch.model.health import Progress
from difwatch.service.answers import Answerer
from difwatch.service.background import BackgroundRescan, WakingExecutor
from difwatch.service.effects import Effects
from difwatch.service.health import Listeners
from difwatch.service.loop import Loop
from difwatch.service.possession import Possession
from difwatch.service.reload import ConfigSource
from difwatch.service.rights import Rights
from difwatch.service.session import Resources, StopSwitch
from difwatch.store import backups, destinations, upgrade, writing
from difwatch.tree.mounts import mount_at, read_mounts
from difwatch.watch.canary import Canary
from difwatch.watch.inbox import Inbox
from difwatch.workers.pool import WorkerPool

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """How a daemon runs.

    Attributes
    ----------
    once
        Until the store is up to date.
    confirm_seconds
        The pause before a walk that confirms another.
    changes
        The places that it changes in any case; the right to change others is given up unless it is to move pictures.
        None is anywhere.
    """

    once: bool = False
    confirm_seconds: float = 5.0
    changes: Sequence[Path] | None = None


class Daemon:
    """Watches the configured folders until stopped.

    Parameters
    ----------
    read_config
        Reads and checks the configuration.
    listeners
        Where health is reported; their state directory is locked until `close`.
    progress
        Receives the progress, at most once a second.
    executor
        Does the work of full searches; None is a separate thread.

    Raises
    ------
    StoreError
        Another difwatch holds the state directory, or the store cannot be used.
    """

    def __init__(
        self,
        read_config: Callable[[], Config],
        listeners: Listeners,
        progress: Callable[[Progress], None],
        options: Options,
        executor: Executor | None = None,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        state_dir, self._notifier = listeners.state_dir, listeners.notifier
        self._options = options
        with contextlib.ExitStack() as opened:
            inbox = Inbox()
            opened.callback(inbox.close)
            rights = Rights(options.changes)
            self._source = ConfigSource(rights.checked(read_config), inbox)
            self.switch = StopSwitch(inbox)
            resources = self._opened_resources(opened, state_dir, inbox, clock)
            rights.give_up(self._source.config)  # by now, what a kill left open is settled
            self._possession = resources.possession
            if executor is None:
                executor = ThreadPoolExecutor(1, "full search")
                opened.callback(executor.shutdown, wait=False, cancel_futures=True)
            engine = resources.engine
            rescan = BackgroundRescan(engine, state_dir.store, WakingExecutor(executor, inbox), clock)
            self.loop = Loop(resources, self._source, rescan, listeners, progress)
            effects = Effects(self.loop, resources, rescan, self._source)
            self.requests = RequestServer(state_dir, Answerer(engine, effects, clock))
            opened.callback(self.requests.close)
            self._opened = opened.pop_all()

    def _opened_resources(
        self, opened: contextlib.ExitStack, state_dir: StateDir, inbox: Inbox, clock: Clock
    ) -> Resources:
        """Lock the state directory, start the workers, and open the store; ``opened`` closes all of them."""
        config = self._source.config
        lock = WriterLock(state_dir, "watch --once" if self._options.once else "watch")
        opened.callback(lock.release)
        # Started first: the workers load their libraries while the store is opened.
        pool = WorkerPool(config.worker_processes(), config.worker_limits())
        opened.callback(pool.close)
        engine = backups.open_or_restore(state_dir.store, clock.now())
        opened.callback(engine.dispose)
        self._notifier.send("STATUS=opening the store", "EXTEND_TIMEOUT_USEC=600000000")
        upgrade(engine, state_dir.store)
        # What a kill left open is settled before the folders are looked at.
        watched = [folder.path for folder in config.folders()]
        with (
            open_journal(state_dir.journal, state_dir.journal_lock, clock) as journal,
            writing(engine) as connection,
        ):
            destinations.recall(connection, journal.destinations(), watched)
        confirm_seconds = 0.0 if self._options.once else self._options.confirm_seconds
        canary = Canary(state_dir.canary)
        possession = Possession(lock, state_dir.store)
        return Resources(state_dir, engine, pool, inbox, canary, possession, clock, self.switch, confirm_seconds)

    def run(self) -> None:
        """Bring the store up to date; then, unless ``once``, follow changes until stopped.

        Raises
        ------
        IncompleteError
            With ``once``: a folder could not be read, or the daemon was stopped before.
        """
        run = self.loop.run_once if self._options.once else self.loop.run_until_stopped
        try:
            run(self.requests)
        finally:
            self.loop.end()

    def holds_lock(self) -> bool:
        """Tell whether the lock that others would look at is still held by this daemon."""
        return self._possession.holds_lock()

    def want_reload(self) -> None:
        """Request a reload of the configuration; allowed in a signal handler."""
        self._source.want()

    def thread_died(self, args: threading.ExceptHookArgs) -> None:
        """Check the folders at once, because an exception ended a watching thread."""
        log.error(
            "a watching thread ended (%s: %s); watching and scanning anew", args.exc_type.__name__, args.exc_value
        )
        self.loop.session.guards.doubt()

    def close(self) -> None:
        """Stop the workers and the observers, close the store, and release the lock."""
        self._notifier.send("STOPPING=1")
        self.loop.session.guards.disarm()
        self._opened.close()


def _raise_limits() -> None:
    """Allow as many open files as the system does: each watched folder takes three."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def watch(
    read_config: Callable[[], Config],
    state_dir: StateDir,
    once: bool,
    progress: Callable[[Progress], None],
    metrics_file: Path | None = None,
) -> None:
    """Run a daemon in the foreground until SIGTERM or SIGINT; SIGHUP reloads its configuration."""
    mount = mount_at(paths.real(str(state_dir.path)), read_mounts())
    state_dir.refuse_network(os.fsdecode(mount.kind) if mount is not None and mount.is_network else None)
    listeners = Listeners(state_dir, Notifier(os.environ), metrics_file)
    os.umask(0o077)
    _raise_limits()
    by_hand = any(os.isatty(number) for number in (0, 1, 2))
    if by_hand and not once:
        give_way()
    changes = [state_dir.path, Path("/dev/null"), *([metrics_file.absolute().parent] if metrics_file else [])]
    daemon = Daemon(read_config, listeners, progress, Options(once, changes=changes))
    threading.excepthook = daemon.thread_died
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.switch.stop())
    # A terminal that goes away ends what was started in it, unless by nohup. Otherwise the signal is for a reload.
    ends = by_hand and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    signal.signal(signal.SIGHUP, lambda *_: daemon.switch.stop() if ends else daemon.want_reload())
    try:
        daemon.run()
    except DifwatchError as error:
        if daemon.holds_lock():  # else the heartbeat is that of another daemon
            write_heartbeat(state_dir, replace(read_heartbeat(state_dir), last_error=str(error)))
        raise
    finally:
        daemon.close()
