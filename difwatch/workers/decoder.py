"""Decoding one open file at a time, for who needs its answer before going on."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from multiprocessing.connection import wait

from difwatch.clock import Clock
from difwatch.model.files import FileKey
from difwatch.model.jobs import Answer, Limits, TensorJob, WorkerLimits
from difwatch.workers.pool import WorkerPool


@dataclass(frozen=True, slots=True)
class Decoding:
    """How files are decoded: to tensors of side ``px`` by a recipe, up to some limits."""

    px: int
    recipe: str = "exact"
    limits: Limits = field(default_factory=Limits)
    worker: WorkerLimits = field(default_factory=WorkerLimits)


class WorkerDecoder:
    """A worker process that starts with the first file, and again with the first one after `close`."""

    def __init__(self, decoding: Decoding, clock: Clock) -> None:
        self._decoding = decoding
        self._clock = clock
        self._pool: WorkerPool | None = None

    def decode(self, path: bytes, descriptor: int) -> Answer:
        """Return the answer of an open file, once it is there."""
        how = self._decoding
        if self._pool is None:
            self._pool = WorkerPool(1, how.worker)
        key = FileKey.of(os.fstat(descriptor))
        self._pool.submit(TensorJob(path, key, how.px, how.limits, recipe=how.recipe, descriptor=descriptor))
        while not (answers := self._pool.collect(self._clock.monotonic())):
            wait(self._pool.waitables(), timeout=1.0)
        return answers[0]

    def close(self) -> None:
        """End the worker."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None
