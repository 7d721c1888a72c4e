"""What stands before every request: only the page of this user, in a browser of this user, comes through.

Cookies know no ports, so a page of any other program on this machine would send ours along. Therefore the page has a
host name of its own, the kernel is asked whose the connection is, and whatever changes something must also come from
the page itself: by its origin and by a token that only it could read.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from difwatch.clock import Clock
from difwatch.review.peer import Address
from difwatch.review.sessions import Sessions

log = logging.getLogger(__name__)

COOKIE = "difwatch"
TOKEN = "x-difwatch"

_BODY_MOST = 64 << 10
_POSTS_A_SECOND = 20
_OVER = "this page was opened by another 'difwatch review', or its time is over; run 'difwatch review' again"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
]


class RefusedRequestError(Exception):
    """A request is not answered: a status of HTTP, and why in words."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Gate:
    """Answers what is refused, and hands on the rest.

    Parameters
    ----------
    app
        Answers what comes through.
    host
        The only name and port that the page has.
    sessions
        Who may ask.
    is_ours
        Tells by both ends of a connection whether a program of this user is at the other one.
    clock
        Tells how many changes a second are asked for.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        sessions: Sessions,
        is_ours: Callable[[Address, Address], bool],
        clock: Clock,
    ) -> None:
        self._app = app
        self._host = host
        self._sessions = sessions
        self._is_ours = is_ours
        self._clock = clock
        self._posts: deque[float] = deque(maxlen=_POSTS_A_SECOND)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"no answer to {scope['type']}")
        try:
            headers = _headers(scope)
            self._check_sender(scope, headers)
            if scope["path"] == "/open":
                await self._open(scope, send)
                return
            self._check_session(headers)
            if scope["method"] == "POST":
                self._check_post(headers)
        except RefusedRequestError as error:
            log.warning("refused with %s: %s %s", error.status, scope["method"], error)
            await _say(send, error.status, str(error))
            return
        await self._app(scope, receive, _with_headers(send))

    def _check_sender(self, scope: Scope, headers: dict[str, str]) -> None:
        peer, own = scope.get("client"), scope.get("server")
        if peer is None or own is None or not self._is_ours(tuple(peer), tuple(own)):  # None: it is gone already
            raise RefusedRequestError(403, "this page is for the user who started it")
        if headers.get("host") != self._host:
            raise RefusedRequestError(421, f"this page is at {self._host} only")
        if scope["method"] not in ("GET", "POST"):
            raise RefusedRequestError(405, "only GET and POST are answered")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise RefusedRequestError(403, "another page asked")

    def _check_session(self, headers: dict[str, str]) -> None:
        # By hand, because SimpleCookie gives up at cookies of others that are not to its taste.
        cookies = [one.strip().partition("=") for one in headers.get("cookie", "").split(";")]
        if not any(name == COOKIE and self._sessions.knows(secret) for name, _, secret in cookies):
            raise RefusedRequestError(403, _OVER)

    def _check_post(self, headers: dict[str, str]) -> None:
        if headers.get("origin") != f"http://{self._host}":
            raise RefusedRequestError(403, "another page asked")
        if not self._sessions.has_token(headers.get(TOKEN, "")):
            raise RefusedRequestError(403, "the token of the page is missing")
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise RefusedRequestError(415, "only JSON is taken")
        length = headers.get("content-length", "")
        if not length.isdecimal() or "transfer-encoding" in headers:
            raise RefusedRequestError(411, "the length must be said")
        if len(length) > len(str(_BODY_MOST)) or int(length) > _BODY_MOST:
            raise RefusedRequestError(413, f"more than {_BODY_MOST} bytes are not taken")
        now = self._clock.monotonic()
        if len(self._posts) == _POSTS_A_SECOND and now - self._posts[0] < 1.0:
            raise RefusedRequestError(429, "too much at once; try again in a second")
        self._posts.append(now)

    async def _open(self, scope: Scope, send: Send) -> None:
        tickets = parse_qs(scope["query_string"].decode("ascii", "replace")).get("t", [""])
        secret = self._sessions.begin(tickets[0])
        if secret is None:
            raise RefusedRequestError(403, "this address opens the page once; run 'difwatch review' again")
        cookie = f"{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict"
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 303, "headers": [*headers, *_HEADERS]})
        await send({"type": "http.response.body", "body": b""})


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers of a request; one that comes twice is refused, as it may mean two things."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        text = name.decode("latin-1").lower()
        if text in headers and text != "cookie":
            raise RefusedRequestError(400, "a header came twice")
        headers[text] = f"{headers[text]}; {value.decode('latin-1')}" if text in headers else value.decode("latin-1")
    return headers


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", []))
            if not any(name == b"cache-control" for name, _ in given):
                given.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*given, *_HEADERS]}
        await send(message)

    return sending


async def _say(send: Send, status: int, why: str) -> None:
    body: dict[str, Any] = {"error": why}
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
