"""The page of `difwatch review`: all parts together, on loopback, until nobody looks any more."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from difwatch.clock import Clock
from difwatch.config import Config
from difwatch.control.state_dir import StateDir
from difwatch.errors import UsageError
from difwatch.review import shapes
from difwatch.review.acts import Acts
from difwatch.review.answers import Answers
from difwatch.review.changes import Changes
from difwatch.review.decisions import Decisions
from difwatch.review.events import Events
from difwatch.review.gate import Gate
from difwatch.review.live import LiveQueue, Shelf
from difwatch.review.peer import Address, owner_of
from difwatch.review.routes import application
from difwatch.review.sessions import Sessions
from difwatch.review.static_files import read_files
from difwatch.review.views import Views

log = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"
_LOOK_SECONDS = 2.0
_HEADER_MOST = 16 << 10
_CONNECTIONS_MOST = 32
_END_SECONDS = 2
_SILENT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Options:
    """How the page is served.

    Attributes
    ----------
    port
        0 for any that is free.
    language
        Of the page: en or de.
    is_read_only
        Whether nothing may be changed.
    is_plain
        Whether the page is at 127.0.0.1 and not at a name of its own, for browsers that do not know such names.
    idle_seconds
        After how long without a page the server ends.
    """

    port: int = 0
    language: str = "en"
    is_read_only: bool = False
    is_plain: bool = False
    idle_seconds: float = 1800.0


def serve(state_dir: StateDir, config: Config, clock: Clock, options: Options, opened: Callable[[str], None]) -> None:
    """Serve the page until it is interrupted, or no page was open for long.

    Parameters
    ----------
    state_dir
        Has the store.
    config
        Says what acts go by.
    clock
        Tells the time.
    options
        How the page is served.
    opened
        Is given the address that opens the page once, as soon as it is answered.

    Raises
    ------
    StoreError
        There is no store, or it cannot be used.
    UsageError
        The port is taken.
    """
    listener = _listener(options.port)
    name = _LOOPBACK if options.is_plain else f"dw-{secrets.token_hex(4)}.localhost"
    host = f"{name}:{listener.getsockname()[1]}"
    sessions, events = Sessions(clock), Events()
    limits = config.worker_limits()

    def changed(shelf: Shelf, before: Shelf | None) -> None:
        new = 0 if before is None else len(shelf.queue.best() - before.queue.best())
        events.tell("generation", {"generation": shelf.generation, "groups": len(shelf.queue), "new": new})

    with contextlib.ExitStack() as held:
        decisions = held.enter_context(contextlib.closing(Decisions(state_dir.decisions)))
        live = LiveQueue(state_dir.store, decisions, clock, changed)
        views = Views(config.worker_processes(), config.limits(), limits, clock)
        for part in (live, views):
            part.start()
            held.callback(part.close)
        answers = Answers(live, views, state_dir, config, clock)
        acts = Acts(live, state_dir, config, clock, lambda progress: events.tell("act", shapes.progress(progress)))
        changes = Changes(live, answers, decisions, acts, state_dir, clock)
        app = application(
            answers,
            changes,
            events,
            read_files(),
            lambda: answers.start(sessions.token, options.language, options.is_read_only),
            options.is_read_only,
        )
        visits = _Visits(app, events, clock)
        server = _Server(
            uvicorn.Config(
                Gate(visits, host, sessions, _is_ours, clock),
                http=_Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=_HEADER_MOST,
                limit_concurrency=_CONNECTIONS_MOST,
                timeout_graceful_shutdown=_END_SECONDS,
            )
        )
        address = f"http://{host}/open?t={sessions.ticket()}"
        # Beside, because a browser in the terminal stays in the foreground.
        threading.Thread(target=opened, args=(address,), name="browser", daemon=True).start()
        asyncio.run(_until_idle(server, listener, visits, events, answers, options.idle_seconds))


class _Server(uvicorn.Server):
    """Leaves signals to the program, so that all parts are closed after one."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Connection(H11Protocol):
    """Closes a connection of somebody else at once, and one that asks for nothing soon, as there are few."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        peer, own = (transport.get_extra_info(name) for name in ("peername", "sockname"))
        owner = owner_of(peer, own) if peer else None
        if owner not in (os.getuid(), 0):
            if owner is not None:  # or it has gone already
                log.warning("a connection of another user was closed")
            transport.abort()
        self.loop.call_later(_SILENT_SECONDS, self._close_if_silent)

    def _close_if_silent(self) -> None:
        if self.cycle is None:
            self.transport.close()


class _Visits:
    """Notes when a page last asked for something."""

    def __init__(self, app: ASGIApp, events: Events, clock: Clock) -> None:
        self._app, self._events, self._clock = app, events, clock
        self._last = clock.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._last = self._clock.monotonic()
        await self._app(scope, receive, send)

    def idle_seconds(self) -> float:
        """Return for how long no page has been open."""
        if self._events.streams:
            self._last = self._clock.monotonic()
        return self._clock.monotonic() - self._last


async def _until_idle(
    server: uvicorn.Server,
    listener: socket.socket,
    visits: _Visits,
    events: Events,
    answers: Answers,
    idle_seconds: float,
) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, setattr, server, "should_exit", True)
    serving = asyncio.create_task(server.serve([listener]))
    told = None
    while not serving.done():
        await asyncio.wait([serving], timeout=_LOOK_SECONDS)
        if events.streams:
            now = await asyncio.to_thread(answers.status)
            if now != told:
                told = now
                events.tell("status", now)
        if visits.idle_seconds() > idle_seconds or server.should_exit:
            server.should_exit = True
            events.end()
    await serving


def _listener(port: int) -> socket.socket:
    # Of a socket without a protocol asyncio would let small answers wait for more.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_LOOPBACK, port))
        listener.listen(_CONNECTIONS_MOST)  # so that a browser that is quicker than this program waits
    except OSError as error:
        listener.close()
        raise UsageError(f"--port {port}: {error.strerror}; another number may be free") from error
    return listener


def _is_ours(peer: Address, own: Address) -> bool:
    """Tell whether a program of this user, or of root, is at the other end of a connection."""
    return owner_of(peer, own) in (os.getuid(), 0)
