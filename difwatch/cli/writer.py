"""Changing the store: by asking the daemon that holds it, or here when nobody does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Engine

from difwatch.cli import Common
from difwatch.control import WriterLock, ask, holder
from difwatch.store import open_writer, upgrade


class Writer:
    """The right to change the store of a state directory, of oneself or through its holder.

    Raises
    ------
    StoreError
        The holder does not answer, or the store cannot be used.
    """

    def __init__(self, common: Common) -> None:
        common.must_have_store()
        self._state_dir = common.state_dir
        self._engine: Engine | None = None
        self._lock: WriterLock | None = None
        if holder(common.state_dir) is None:
            self._lock = WriterLock(common.state_dir)
            self._engine = open_writer(common.store)
            upgrade(self._engine, common.store)

    @property
    def is_here(self) -> bool:
        """Whether this process holds the store itself."""
        return self._engine is not None

    def do(self, request: Mapping[str, Any], here: Callable[[Engine], Any]) -> Any:
        """Send a request to the holder, or do the same here."""
        return ask(self._state_dir, request) if self._engine is None else here(self._engine)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._engine is not None:
            self._engine.dispose()
        if self._lock is not None:
            self._lock.release()
