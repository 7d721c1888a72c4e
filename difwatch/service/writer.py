"""Changing the store: through the daemon that holds it, or here if none does."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import Engine

from difwatch.clock import SystemClock
from difwatch.control.lock import WriterLock, holder
from difwatch.control.requests import ask
from difwatch.control.state_dir import StateDir
from difwatch.service.requests import Request, StoreRequest, message
from difwatch.store import open_writer, upgrade, writing


class Writer:
    """The right to change a store, in this process or through the daemon that holds the store.

    Parameters
    ----------
    state_dir
        Has the store.
    work
        The command that changes it.

    Raises
    ------
    StoreError
        The holder does not answer, or the store cannot be used.
    """

    def __init__(self, state_dir: StateDir, work: str) -> None:
        self._state_dir = state_dir
        self._lock: WriterLock | None = None
        self.engine: Engine | None = None
        """The writer of the store; None if another process holds the store."""
        os.umask(0o077)  # what is in the state directory is for this user alone
        if holder(self._state_dir) is None:
            self._lock = WriterLock(self._state_dir, work)
            self.engine = open_writer(self._state_dir.store)
            upgrade(self.engine, self._state_dir.store)

    @property
    def is_here(self) -> bool:
        """Whether this process holds the store itself."""
        return self.engine is not None

    def do(self, request: StoreRequest) -> Any:
        """Carry out a request, or send it to the holder; return the answer."""
        if self.engine is None:
            return self.send(request)
        with writing(self.engine) as connection:
            return request.carry_out(connection, SystemClock().now()).answer

    def send(self, request: Request) -> Any:
        """Send a request to the holder; return the answer."""
        return ask(self._state_dir, message(request))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        if self.engine is not None:
            self.engine.dispose()
        if self._lock is not None:
            self._lock.release()
