"""A full search in the background of the daemon: a step at a time, while nothing else is to be done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from difwatch.errors import DifwatchError, UsageError
from difwatch.model import Rescanned
from difwatch.pipeline.keep import Keeper
from difwatch.pipeline.rescan import Progress, Request, rescan_steps
from difwatch.search.distance import mse_limit
from difwatch.search.executor import Inline

log = logging.getLogger(__name__)

_BLOCK = 2048  # pictures: a step takes about a second at the most, also where every pair must be tried
_MEMORY = 1 << 30  # bytes
_MSE_MOST = 65025


class BackgroundSearch:
    """At most one full search at a time.

    Parameters
    ----------
    engine, path
        The writer of the store, and its file.
    clock
        Gives the time as ISO 8601.
    """

    def __init__(self, engine: Engine, path: Path, clock: Callable[[], str]) -> None:
        self._engine = engine
        self._path = path
        self._clock = clock
        self._steps: Generator[Progress, None, Rescanned] | None = None
        self._progress = Progress(0, 0, 0)
        self._ended: Rescanned | DifwatchError | None = None
        self._limit = 0  # SSE up to which it searches beyond what is remembered

    def start(self, asked: Mapping[str, Any], keeper: Keeper, values: int) -> None:
        """Begin one, or stay with the one that goes on; ``values`` is how many a tensor has.

        Raises
        ------
        UsageError
            The request is not one.
        """
        request = _request(asked)
        if self._steps is not None:
            return
        self._limit = 0 if request.similarity is None else mse_limit(request.similarity, values)
        self.widen(keeper)
        self._steps = rescan_steps(self._engine, self._path, request, Inline(), self._clock)
        self._progress, self._ended = Progress(0, 0, 0), None
        log.info("full search: begun")

    def widen(self, keeper: Keeper) -> None:
        """Let what comes while it goes on be searched as far; to be called with each new keeper."""
        keeper.widen(self._limit)

    def is_going_on(self) -> bool:
        """Tell whether there is a step to do."""
        return self._steps is not None

    def step(self) -> None:
        """Do a step, if there is one to do."""
        if self._steps is None:
            return
        try:
            self._progress = next(self._steps)
        except StopIteration as end:
            result: Rescanned = end.value
            self._steps, self._ended, self._limit = None, result, 0
            log.info("full search: %d pairs; missing %d, wrong %d", result.pairs, result.missing, result.wrong)
        except DifwatchError as error:
            self._steps, self._ended, self._limit = None, error, 0
            log.error("full search: %s", error)

    def state(self) -> dict[str, Any]:
        """How far it is, and what came of the last one.

        Raises
        ------
        DifwatchError
            What ended the last one.
        """
        if isinstance(self._ended, DifwatchError):
            raise self._ended
        return {
            "going_on": self._steps is not None,
            "progress": asdict(self._progress),
            "result": None if self._ended is None else asdict(self._ended),
        }


def _request(asked: Mapping[str, Any]) -> Request:
    algorithm, similarity = asked.get("algorithm", "auto"), asked.get("similarity")
    if algorithm not in ("auto", "classic", "chunked"):
        raise UsageError(f"algorithm = {algorithm!r}: must be auto, classic or chunked")
    if similarity is not None and not (type(similarity) in (int, float) and 0 <= similarity <= _MSE_MOST):
        raise UsageError(f"similarity = {similarity!r}: must be a mean squared error from 0 to {_MSE_MOST}")
    most, chunksize = asked["max_pairs"], asked.get("chunksize") or _BLOCK
    for name, value in (("max_pairs", most), ("chunksize", chunksize)):
        if type(value) is not int or not 0 < value < 1 << 63:
            raise UsageError(f"{name} = {value!r}: must be a whole number above 0")
    return Request(algorithm, 1, _MEMORY, most, chunksize, None if similarity is None else float(similarity))
