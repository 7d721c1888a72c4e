"""What the daemon does for a request over the socket, beside the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from difwatch.model.files import Change, ChangeKind
from difwatch.service.background import BackgroundRescan
from difwatch.service.loop import Loop
from difwatch.service.reload import ConfigSource
from difwatch.service.requests import StartRescan
from difwatch.service.session import Resources


class Effects:
    """Implements `difwatch.service.answers.Service`."""

    def __init__(self, loop: Loop, resources: Resources, rescan: BackgroundRescan, source: ConfigSource) -> None:
        self._loop = loop
        self._resources = resources
        self._rescan = rescan
        self._source = source

    def walk(self, path: bytes) -> None:
        """Walk a watched folder at once."""
        self._loop.session.guards.of(path).schedule.ask(self._resources.clock.monotonic())

    def look_at(self, paths: Sequence[bytes]) -> None:
        """Look at files."""
        self._resources.inbox.put(Change(ChangeKind.FILE, path) for path in paths)

    def exclude(self, path: bytes) -> None:
        """Exclude everything in a directory from now on."""
        self._loop.session.exclude(path)

    def start_rescan(self, request: StartRescan) -> None:
        """Begin a full search, unless one is running."""
        self._rescan.start(request)

    def rescan_state(self) -> Mapping[str, Any]:
        """Return the progress of the full search and the result of the last one; raise the error that ended it."""
        return self._rescan.state()

    def reload(self) -> None:
        """Read the configuration again; raise a `UsageError` if it is wrong."""
        self._source.reload()

    def is_settled(self) -> bool:
        """Tell whether the configuration that was read last is in force."""
        return self._source.is_settled()
