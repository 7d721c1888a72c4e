"""What happens, told to every page that is open, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

_PING_SECONDS = 15.0
_STREAMS_MOST = 8
_WAITING_MOST = 256  # events of a page that does not read; then its stream ends, and it asks for all anew


class Events:
    """The streams of the pages that are open.

    Attributes
    ----------
    streams
        Their number.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queues: set[asyncio.Queue[bytes | None]] = set()

    @property
    def streams(self) -> int:
        return len(self._queues)

    def tell(self, name: str, data: dict[str, Any]) -> None:
        """Tell every page of an event; any thread may."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._put, _event(name, data))

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the events from now on, and a ping where nothing happens."""
        self._loop = asyncio.get_running_loop()
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING_MOST)
        if len(self._queues) >= _STREAMS_MOST:
            return
        self._queues.add(queue)
        try:
            yield _event("ping", {})
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), _PING_SECONDS)
                except TimeoutError:
                    event = _event("ping", {})
                if event is None:
                    return
                yield event
        finally:
            self._queues.discard(queue)

    def end(self) -> None:
        """End all streams."""
        self._put(None)

    def _put(self, event: bytes | None) -> None:
        for queue in list(self._queues):
            if queue.full():
                self._queues.discard(queue)
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
