"""Decoding open files for who needs each answer before going on; files that are expected are decoded ahead."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import NamedTuple

from difwatch.clock import Clock
from difwatch.model.files import FileKey
from difwatch.model.jobs import Answer, Limits, Tensorized, TensorJob, WorkerLimits
from difwatch.model.pictures import Appearance
from difwatch.workers.opening import open_file
from difwatch.workers.pool import WorkerPool

_AHEAD = 4  # files on the way, for each process
_KEPT_BYTES = 8 << 20  # of what files looked like; 10 kB a file at a side of 50


@dataclass(frozen=True, slots=True)
class Decoding:
    """How files are decoded: to tensors of side ``px`` by a recipe, up to some limits."""

    px: int
    recipe: str = "exact"
    limits: Limits = field(default_factory=Limits)
    worker: WorkerLimits = field(default_factory=WorkerLimits)
    processes: int = 1


class _Opened(NamedTuple):
    """A file that is being decoded ahead, as it was when it was opened."""

    descriptor: int
    key: FileKey


class _Looked(NamedTuple):
    """What a file looked like, the digest that its process says it has, and its state when it was opened."""

    digest: bytes
    key: FileKey
    appearance: Appearance


class WorkerDecoder:
    """Worker processes that start with the first file, and again with the first one after `close`.

    What the last files looked like is kept, each with the state of the file that was opened here. A digest alone
    would not do: it is what the process says that decoded the file. A hostile picture may make it say that of another
    one, or lie for a while where another one was.
    """

    def __init__(self, decoding: Decoding, clock: Clock) -> None:
        self._decoding = decoding
        # No fewer than what is on the way, and the picture to keep of the act in hand.
        self._most = max(_AHEAD * decoding.processes + 2, _KEPT_BYTES // (4 * decoding.px**2))
        self._clock = clock
        self._pool: WorkerPool | None = None
        self._expected: Iterator[bytes] = iter(())
        self._ahead: dict[bytes, _Opened] = {}
        self._unasked: set[bytes] = set()  # handed out, and not asked for yet
        self._kept: collections.OrderedDict[bytes, _Looked] = collections.OrderedDict()

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
        (answer,) = self._take_in(wait_for_one=True)
        self._keep(answer, key)
        return answer

    def appearance(self, path: bytes, descriptor: int, digest: bytes) -> Appearance | Answer:
        """Return what a picture of these bytes looks like, or the answer that says why that is not known.

        Parameters
        ----------
        path, descriptor
            The open file, which is decoded unless a file of these bytes was.
        digest
            That of its bytes.
        """
        self._unasked.discard(path)
        self._hand_out()
        while path not in self._kept and path in self._ahead:
            self._take_in(wait_for_one=True)
            self._hand_out()
        key = FileKey.of(os.fstat(descriptor))
        if not self._is_known(path, key, digest):
            answer = self.decode(path, descriptor)
            if not self._is_known(path, key, digest):
                return answer
        self._kept.move_to_end(path)
        return self._kept[path].appearance

    def close(self) -> None:
        """End the workers."""
        for opened in self._ahead.values():
            os.close(opened.descriptor)
        self._ahead.clear()
        self._unasked.clear()
        self._kept.clear()
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _started(self) -> WorkerPool:
        if self._pool is None:
            self._pool = WorkerPool(self._decoding.processes, self._decoding.worker)
        return self._pool

    def _is_known(self, path: bytes, key: FileKey, digest: bytes) -> bool:
        """Tell whether it is known what a file of this state and these bytes looks like."""
        known = self._kept.get(path)
        return known is not None and (known.key, known.digest) == (key, digest)

    def _hand_out(self) -> None:
        """Open the files that are expected next, and let the workers decode them."""
        how = self._decoding
        while len(self._unasked) < _AHEAD * how.processes and (path := next(self._expected, None)) is not None:
            descriptor = None if path in self._ahead else open_file(path)
            if not isinstance(descriptor, int):
                continue  # what is wrong with it is found when it is asked for
            self._unasked.add(path)
            opened = self._ahead[path] = _Opened(descriptor, FileKey.of(os.fstat(descriptor)))
            job = TensorJob(path, opened.key, how.px, how.limits, recipe=how.recipe, descriptor=descriptor)
            self._started().submit(job)
        if self._ahead:
            self._take_in(wait_for_one=False)

    def _take_in(self, wait_for_one: bool) -> list[Answer]:
        """Take in the answers that are there, and keep what the pictures look like that were decoded ahead."""
        pool = self._started()
        while not (answers := pool.collect(self._clock.monotonic())) and wait_for_one:
            wait(pool.waitables(), timeout=1.0)
        for answer in answers:
            if (opened := self._ahead.pop(answer.path, None)) is not None:
                os.close(opened.descriptor)
                self._keep(answer, opened.key)
        return answers

    def _keep(self, answer: Answer, key: FileKey) -> None:
        if isinstance(answer, Tensorized) and answer.appearance is not None:
            self._kept[answer.path] = _Looked(answer.digest, key, answer.appearance)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
