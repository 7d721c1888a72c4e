"""Requests to the process that holds a state directory: one line of JSON each way, over a Unix socket.

Only processes of the same user, and root, are answered. A request is bounded in length and must come within seconds.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from difwatch import paths
from difwatch.control.state_dir import StateDir
from difwatch.errors import (
    ActionError,
    DifwatchError,
    IncompleteError,
    PromiseError,
    StoreBusyError,
    StoreError,
    UsageError,
)

log = logging.getLogger(__name__)

_LONGEST = 1 << 20  # bytes of a request
_MOST = 16  # requests that are read at once
_PATIENCE = 5.0  # seconds for a request to come
_CREDENTIALS = "3i"  # struct ucred: pid, uid, gid


class Answerer(Protocol):
    """Whoever answers requests."""

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a request.

        Raises
        ------
        DifwatchError
            The request cannot be carried out, or is malformed; the text says which field is wrong.
        """


class RequestServer:
    """Answers requests from within a loop, without waiting.

    Parameters
    ----------
    state_dir
        Where the socket is created; the caller holds the lock of the directory.
    answerer
        Answers the requests.
    """

    def __init__(self, state_dir: StateDir, answerer: Answerer) -> None:
        self._path = state_dir.socket
        self._answerer = answerer
        self._waiting: dict[socket.socket, tuple[bytearray, float]] = {}
        self._path.unlink(missing_ok=True)  # of a holder that was killed
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        umask_before = os.umask(0o177)
        try:
            with _near(self._path) as address:
                self._socket.bind(address)
        finally:
            os.umask(umask_before)
        self._socket.listen(_MOST)
        self._bound = paths.inode_of(self._path)

    def waitables(self) -> list[socket.socket]:
        """Return the sockets that become readable when there is something to do."""
        return [self._socket, *self._waiting]

    def serve(self, now: float) -> None:
        """Read what has come, and answer the complete requests. ``now`` is monotonic."""
        try:
            while True:
                asking, _ = self._socket.accept()
                self._admit(asking, now)
        except BlockingIOError:
            pass
        except OSError as error:  # too many open files, mostly: whoever asks waits
            log.warning("a request cannot be taken now (%s)", error.strerror)
        for asking, (said, since) in list(self._waiting.items()):
            if self._has_all(asking, said):
                self._end(asking, self._answer(bytes(said)))
            elif now - since > _PATIENCE or len(said) > _LONGEST:
                self._end(asking, {"error": "the request is too long, or did not come", "exit_code": 2})

    def close(self) -> None:
        """Stop answering."""
        for asking in list(self._waiting):
            asking.close()
        self._socket.close()
        if self._bound is not None and paths.inode_of(self._path) == self._bound:  # not that of another daemon
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _admit(self, asking: socket.socket, now: float) -> None:
        asking.setblocking(False)
        size = struct.calcsize(_CREDENTIALS)
        _, uid, _ = struct.unpack(_CREDENTIALS, asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        if uid not in (0, os.getuid()):
            self._end(asking, {"error": "this difwatch belongs to another user", "exit_code": 2})
        elif len(self._waiting) >= _MOST:
            self._end(asking, {"error": "too many requests at once; try again", "exit_code": 5})
        else:
            self._waiting[asking] = (bytearray(), now)

    def _has_all(self, asking: socket.socket, said: bytearray) -> bool:
        try:
            while len(said) <= _LONGEST and (block := asking.recv(1 << 16)):
                said += block
        except BlockingIOError:
            return said.endswith(b"\n")
        except OSError:
            return True
        return len(said) <= _LONGEST

    def _answer(self, said: bytes) -> Mapping[str, Any]:
        try:
            request = json.loads(said)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            return {"error": "this is not a request of this version of difwatch", "exit_code": 2}
        try:
            return {"answer": self._answerer.answer(request)}
        except DifwatchError as error:
            return {"error": str(error), "exit_code": error.exit_code}

    def _end(self, asking: socket.socket, answer: Mapping[str, Any]) -> None:
        self._waiting.pop(asking, None)
        with contextlib.suppress(OSError):  # whoever asked may be gone
            asking.setblocking(False)
            asking.send(json.dumps(answer).encode() + b"\n")
        asking.close()


def is_answering(state_dir: StateDir, seconds: float) -> bool:
    """Tell whether the holder of a state directory answers in time; one that does not listen yet is not silent."""
    try:
        ask(state_dir, {"do": "ping"}, seconds)
    except StoreBusyError as error:
        return not isinstance(error.__cause__, TimeoutError)
    return True


def ask(state_dir: StateDir, request: Mapping[str, Any], seconds: float = 60.0) -> Any:
    """Ask the holder of a state directory, and return its answer.

    Raises
    ------
    StoreBusyError
        The holder does not answer.
    DifwatchError
        The holder refused the request or failed; the exit code is that of its error.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as to:
        to.settimeout(seconds)
        try:
            with _near(state_dir.socket) as address:
                to.connect(address)
            with contextlib.suppress(BrokenPipeError):  # a refusal may be there before the request is sent
                to.sendall(json.dumps(dict(request)).encode() + b"\n")
            said = b""
            while not said.endswith(b"\n") and (block := to.recv(1 << 16)):
                said += block
            answer = json.loads(said)
        except (OSError, ValueError) as error:
            raise StoreBusyError(
                f"{state_dir.path}: the difwatch that works with this state directory does not answer ({error}); "
                "try again, or stop it first"
            ) from error
    if "error" in answer:
        raise _error(answer["error"], answer.get("exit_code", UsageError.exit_code))
    return answer["answer"]


def _error(text: str, exit_code: int) -> DifwatchError:
    kinds = (UsageError, IncompleteError, PromiseError, StoreError, ActionError)
    return next((kind for kind in kinds if kind.exit_code == exit_code), DifwatchError)(text)


class _near(contextlib.AbstractContextManager[str]):  # noqa: N801  (used as a function)
    """A short address of a socket, whatever the length of its path: the kernel accepts no more than 107 bytes."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._name = path.name

    def __enter__(self) -> str:
        return f"/proc/self/fd/{self._descriptor}/{self._name}"

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
