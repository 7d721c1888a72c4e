"""Answers to requests over the socket: each request is carried out, with its effects in the daemon."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Engine

from difwatch.clock import Clock
from difwatch.errors import UsageError
from difwatch.service import requests
from difwatch.store import writing


class Service(Protocol):
    """What the daemon does for a request, beside the store."""

    def walk(self, path: bytes) -> None:
        """Walk a watched folder at once."""

    def look_at(self, paths: Sequence[bytes]) -> None:
        """Look at files."""

    def exclude(self, path: bytes) -> None:
        """Exclude everything in a directory from now on."""

    def start_rescan(self, request: requests.StartRescan) -> None:
        """Begin a full search, unless one is running."""

    def rescan_state(self) -> Mapping[str, Any]:
        """Return the progress of the full search and the result of the last one; raise the error that ended it."""

    def reload(self) -> None:
        """Read the configuration again; raise a `UsageError` if it is wrong."""

    def is_settled(self) -> bool:
        """Tell whether the configuration that was read last is in force."""


class Answerer:
    """Answers requests; implements `difwatch.control.requests.Answerer`."""

    def __init__(self, engine: Engine, service: Service, clock: Clock) -> None:
        self._engine = engine
        self._service = service
        self._clock = clock

    def answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a request.

        Raises
        ------
        DifwatchError
            The request is not valid or cannot be carried out; the text names the field that is wrong.
        """
        match requests.parsed(request):
            case requests.Ping():
                return {"pid": os.getpid(), "settled": self._service.is_settled()}
            case requests.Reload():
                self._service.reload()
                return {}
            case requests.StartRescan() as wanted:
                self._service.start_rescan(wanted)
                return {}
            case requests.FollowRescan():
                return self._service.rescan_state()
            case requests.StoreRequest() as change:
                return self._change(change)
            case other:
                raise UsageError(f"do = {other.name!r}: nobody answers that")

    def _change(self, change: requests.StoreRequest) -> Mapping[str, Any]:
        with writing(self._engine) as connection:
            done = change.carry_out(connection, self._clock.now())
        for path in done.walk:
            self._service.walk(path)
        for path in done.exclude:
            self._service.exclude(path)
        self._service.look_at(done.look_at)
        return done.answer
