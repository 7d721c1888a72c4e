"""Who does the work of a full search: passed in, so that threads, processes or a cluster fit the same place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Future(Protocol):
    """What an executor promises."""

    def result(self) -> Any: ...


class Executor(Protocol):
    """Runs functions, now or elsewhere: of the shape of those of `concurrent.futures`."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future: ...


class Inline:
    """An executor that does everything at once, here."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Done:
        """Call the function now."""
        return Done(function(*arguments))


class Done:
    """A result that is there already."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def result(self) -> Any:
        """It."""
        return self._result
