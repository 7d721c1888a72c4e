"""Decoding open files for who needs each answer before going on; files that are expected are decoded ahead."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait

from difwatch.clock import Clock
from difwatch.model.files import FileKey
from difwatch.model.jobs import Answer, Limits, Tensorized, TensorJob, WorkerLimits
from difwatch.model.pictures import Appearance
from difwatch.workers.pool import WorkerPool

_AHEAD = 4  # files on the way, for each process
_ANY = FileKey(0, 0, 0, 0, 0)  # these jobs are for whatever lies there; its bytes tell which picture it is
_KEPT = 256  # files, 10 kB each at a side of 50


@dataclass(frozen=True, slots=True)
class Decoding:
    """How files are decoded: to tensors of side ``px`` by a recipe, up to some limits."""

    px: int
    recipe: str = "exact"
    limits: Limits = field(default_factory=Limits)
    worker: WorkerLimits = field(default_factory=WorkerLimits)
    processes: int = 1


class WorkerDecoder:
    """Worker processes that start with the first file, and again with the first one after `close`.

    What the last files looked like is kept. It is kept by path and not by digest alone, because a digest is what the
    process says that decoded the file, and a hostile picture may make it say that of another one.
    """

    def __init__(self, decoding: Decoding, clock: Clock) -> None:
        self._decoding = decoding
        self._clock = clock
        self._pool: WorkerPool | None = None
        self._expected: Iterator[bytes] = iter(())
        self._ahead: set[bytes] = set()
        self._kept: collections.OrderedDict[bytes, tuple[bytes, Appearance]] = collections.OrderedDict()

    def expect(self, paths: Iterable[bytes]) -> None:
        """Note which files will be asked for, in this order, so that all processes have work."""
        self._expected = iter(paths)

    def decode(self, path: bytes, descriptor: int) -> Answer:
        """Return the answer of an open file, once it is there."""
        how, key = self._decoding, FileKey.of(os.fstat(descriptor))
        while self._ahead:
            self._take_in(wait_for_one=True)  # one of them may be of this path, and need not be this file
        job = TensorJob(path, key, how.px, how.limits, recipe=how.recipe, descriptor=descriptor)
        self._started().submit(job)
        while not (answers := self._take_in(wait_for_one=True)):
            pass
        return answers[0]

    def appearance(self, path: bytes, descriptor: int, digest: bytes) -> Appearance | Answer:
        """Return what a picture of these bytes looks like, or the answer that says why that is not known.

        Parameters
        ----------
        path, descriptor
            The open file, which is decoded unless a file of these bytes was.
        digest
            That of its bytes.
        """
        self._hand_out()
        while path not in self._kept and path in self._ahead:
            self._take_in(wait_for_one=True)
            self._hand_out()
        if path not in self._kept or self._kept[path][0] != digest:
            answer = self.decode(path, descriptor)
            if path not in self._kept or self._kept[path][0] != digest:
                return answer
        self._kept.move_to_end(path)
        return self._kept[path][1]

    def close(self) -> None:
        """End the workers."""
        self._ahead.clear()
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _started(self) -> WorkerPool:
        if self._pool is None:
            self._pool = WorkerPool(self._decoding.processes, self._decoding.worker)
        return self._pool

    def _hand_out(self) -> None:
        """Let the workers open and decode the files that are expected next."""
        how = self._decoding
        while len(self._ahead) < _AHEAD * how.processes and (path := next(self._expected, None)) is not None:
            if path not in self._ahead:
                self._ahead.add(path)
                self._started().submit(TensorJob(path, _ANY, how.px, how.limits, recipe=how.recipe))
        if self._ahead:
            self._take_in(wait_for_one=False)

    def _take_in(self, wait_for_one: bool) -> list[Answer]:
        """Take in the answers that are there, and keep what their pictures look like."""
        pool = self._started()
        while not (answers := pool.collect(self._clock.monotonic())) and wait_for_one:
            wait(pool.waitables(), timeout=1.0)
        for answer in answers:
            self._ahead.discard(answer.path)
            if isinstance(answer, Tensorized) and answer.appearance is not None:
                self._kept[answer.path] = (answer.digest, answer.appearance)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return answers
