"""`difwatch review` in a process of its own, and a browser that says only what it is told to."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.running import until

SECONDS = 30.0
LOOPBACK = "127.0.0.1"


SECURITY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""The headers of everything that is answered."""


class Answer(NamedTuple):
    """What the server answered; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def given(self) -> Any:
        """The JSON of the answer."""
        assert self.headers["content-type"] == "application/json", self
        return json.loads(self.body)

    def is_refused(self, status: int) -> bool:
        """Whether it is an error in words with this status."""
        return self.status == status and set(self.given) == {"error"} and bool(self.given["error"])


class Review:
    """The server of a store; its address is known, and what it says is kept."""

    def __init__(self, state: Path, *flags: str) -> None:
        command = [sys.executable, "-m", "difwatch", "--state-dir", str(state), "review", *flags]
        self.state = state
        self.process = subprocess.Popen(
            [*command, "--no-browser"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={"DIFWATCH_PROCESSES": "1", **os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": ""},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # the runner of tests ignores it
        )
        assert self.process.stderr is not None
        first, found = "", None
        while found is None:  # a page of before may be refused first
            first = self.process.stderr.readline()
            found = re.fullmatch(r"open http://([\w.-]+):(\d+)/open\?t=([\w-]+); Ctrl-C ends it\n", first)
            assert first, "it ended without an address"
        self.name, self.port, self.ticket = found[1], int(found[2]), found[3]
        self.host = f"{self.name}:{self.port}"
        self.said: list[str] = [first]
        self._listening = threading.Thread(target=lambda: self.said.extend(self.process.stderr or ()), daemon=True)
        self._listening.start()
        until(self._answers, SECONDS)  # that it does so at once is a test of its own

    def _answers(self) -> bool:
        with contextlib.suppress(ConnectionRefusedError), socket.socket() as to:
            to.connect((LOOPBACK, self.port))
            return True
        return False

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Ask over a connection of its own, with just these headers."""
        with contextlib.closing(http.client.HTTPConnection(LOOPBACK, self.port, timeout=SECONDS)) as connection:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())

    def raw(self, *parts: bytes) -> bytes:
        """Send some bytes and no more; gives all that is answered."""
        with socket.create_connection((LOOPBACK, self.port), timeout=SECONDS) as to:
            out = b""
            with contextlib.suppress(OSError):  # it heard enough
                for part in parts:
                    to.sendall(part)
                to.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while some := to.recv(1 << 16):
                    out += some
            return out

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal; gives its exit code."""
        self.process.send_signal(number)
        try:
            return self.process.wait(SECONDS)
        finally:
            self.process.kill()
            self.process.wait()
            self._listening.join(SECONDS)
            assert self.process.stderr is not None
            self.process.stderr.close()

    def tracebacks(self) -> list[str]:
        """What it said about errors that nobody expected."""
        return [line for line in self.said if "Traceback" in line or "Error:" in line or "Exception" in line]


class Browser:
    """A browser with a session, and the page that is open in it."""

    def __init__(self, review: Review) -> None:
        self.review = review
        opened = self.review.ask("GET", f"/open?t={review.ticket}", {"Host": review.host})
        assert opened.status == 303, opened
        self.cookie = opened.headers["set-cookie"].partition(";")[0]
        self.start: dict[str, Any] = self.get("/api/start").given

    def get(self, target: str, **changes: str | None) -> Answer:
        """Ask for an address; ``a_b`` changes the header a-b, None leaves it out."""
        return self.review.ask("GET", target, self._headers({}, changes))

    def post(self, name: str, given: Any, **changes: str | None) -> Answer:
        """Ask for a change, by an object or by bytes; one that came too soon is asked for again."""
        body = given if isinstance(given, bytes) else json.dumps(given).encode()
        usual = {
            "origin": f"http://{self.review.host}",
            "sec-fetch-site": "same-origin",
            "x-difwatch": self.start["token"],
            "content-type": "application/json",
            "content-length": str(len(body)),
        }
        answers: list[Answer] = []

        def is_taken() -> bool:
            answers.append(self.review.ask("POST", f"/api/{name}", self._headers(usual, changes), body))
            return answers[-1].status != 429

        until(is_taken, SECONDS)
        return answers[-1]

    def _headers(self, usual: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
        every = {"host": self.review.host, "cookie": self.cookie, **usual}
        given = every | {name.replace("_", "-"): value for name, value in changes.items()}
        return {name: value for name, value in given.items() if value is not None}


@contextlib.contextmanager
def reviewing(state: Path, *flags: str) -> Iterator[Browser]:
    """A server and its page; afterwards it must have met nothing that nobody expected."""
    review = Review(state, *flags)
    try:
        yield Browser(review)
    finally:
        review.end()
    assert review.tracebacks() == []
