"""Where the work of a full search runs: an interface that fits threads, processes and clusters alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Future(Protocol):
    """A pending result, like `concurrent.futures.Future`."""

    def done(self) -> bool:
        """Tell whether `result` returns without waiting."""

    def result(self) -> Any:
        """Wait for the result and return it, or raise what the function raised."""

    def add_done_callback(self, function: Callable[[Any], object], /) -> None:
        """Call a function with this future once the result is available, from any thread."""


class Executor(Protocol):
    """Runs functions, here or elsewhere, like the executors of `concurrent.futures`."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future:
        """Run a function; return its pending result."""


class Inline:
    """An executor that runs each function at once, in the calling thread."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Done:
        """Call the function now; return its result."""
        return Done(function(*arguments))


class Done:
    """A result that is already available."""

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
