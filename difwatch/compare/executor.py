"""Who does the work of a full search: passed in, so that threads, processes or a cluster fit the same place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Future(Protocol):
    """A result on its way, as `concurrent.futures.Future` is one."""

    def done(self) -> bool:
        """Tell whether `result` returns without waiting."""

    def result(self) -> Any:
        """Wait for the result and return it, or raise what the function raised."""

    def add_done_callback(self, function: Callable[[Any], object], /) -> None:
        """Call a function with this future when the result is there, from any thread."""


class Executor(Protocol):
    """Runs functions, now or elsewhere: of the shape of those of `concurrent.futures`."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future:
        """Run a function; return its result on its way."""


class Inline:
    """An executor that runs each function at once, in the thread that submits it."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Done:
        """Call the function now."""
        return Done(function(*arguments))


class Done:
    """A result that is there already."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def done(self) -> bool:
        """Return True."""
        return True

    def result(self) -> Any:
        """Return the result."""
        return self._result

    def add_done_callback(self, function: Callable[[Any], object], /) -> None:
        """Call the function now."""
        function(self)
