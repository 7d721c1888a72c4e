"""Worker processes, each on a private socket; the parent owns the queue.

Nothing is shared between workers, so one that dies takes nothing with it but the job it was at, and that
one is tried once more. Workers are plain subprocesses and not forks or spawns of ``multiprocessing``:
threads run in the parent, and a user's unguarded main script must not be run again by every worker.
"""

from __future__ import annotations

import collections
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Protocol

from difwatch.model import Answer, FileKey, FileState, TensorJob, Unreadable, Vanished

_AHEAD = 16  # jobs that wait in a worker's socket, so that it is not idle while the parent keeps a batch
_AHEAD_BYTES = 1 << 16
_ATTEMPTS = 2


class Pool(Protocol):
    """Takes jobs, gives answers: exactly one for each job, in any order."""

    def submit(self, job: TensorJob) -> None:
        """Add a job."""

    def collect(self, now: float) -> list[Answer]:
        """The answers that are ready, without waiting for more."""

    def backlog(self) -> int:
        """How many jobs are not answered yet."""

    def waitables(self) -> Sequence[Connection]:
        """What becomes readable when there is something to collect."""

    def close(self) -> None:
        """End at once; jobs without an answer are dropped."""


class _Worker:
    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        # The child finds difwatch where we found it, also in a checkout that is not installed.
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            f"from difwatch.pipeline.worker import serve; serve({theirs.fileno()})"
        )
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env=environment,
        )
        theirs.close()
        self.connection = Connection(ours.detach())
        self.jobs: collections.deque[TensorJob] = collections.deque()
        self.bytes: collections.deque[int] = collections.deque()  # of each of the jobs, as sent
        self.busy_since = 0.0

    def takes(self, size: int) -> bool:
        """Tell whether sending so many bytes cannot block.

        A worker without jobs reads at once. One with jobs may be waiting for us to read its answer, so what
        is sent to it must fit into the buffer of the socket.
        """
        return not self.jobs or (len(self.jobs) < _AHEAD and sum(self.bytes) + size <= _AHEAD_BYTES)

    def end(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.wait()


class WorkerPool:
    """Several worker processes.

    Parameters
    ----------
    processes
        How many, at least 1.
    time_limit
        Seconds after which a worker that has not answered is ended.
    """

    def __init__(self, processes: int, time_limit: float = 300.0) -> None:
        self._time_limit = time_limit
        self._queue: collections.deque[TensorJob] = collections.deque()
        self._failures: collections.Counter[bytes] = collections.Counter()
        self._workers = [_Worker() for _ in range(processes)]

    def submit(self, job: TensorJob) -> None:
        """Add a job."""
        self._queue.append(job)

    def backlog(self) -> int:
        """How many jobs are not answered yet."""
        return len(self._queue) + sum(len(worker.jobs) for worker in self._workers)

    def waitables(self) -> Sequence[Connection]:
        """The sockets of the workers."""
        return [worker.connection for worker in self._workers]

    def collect(self, now: float) -> list[Answer]:
        """Hand out waiting jobs and gather the answers that are there; never waits."""
        answers: list[Answer] = []
        ready = set(wait(self.waitables(), timeout=0))
        for place, worker in enumerate(self._workers):
            alive = worker.connection not in ready or self._receive(worker, now, answers)
            late = worker.jobs and now - worker.busy_since > self._time_limit
            if not alive or late:
                self._replace(place, answers, "took too long" if late else "ended the worker that decoded it")
            self._feed(self._workers[place], now)
        return answers

    def close(self) -> None:
        """End all workers at once; what they have not answered is dropped."""
        for worker in self._workers:
            worker.end()

    def _receive(self, worker: _Worker, now: float, answers: list[Answer]) -> bool:
        try:
            while worker.connection.poll():
                answer = worker.connection.recv()
                self._failures.pop(worker.jobs.popleft().path, None)
                worker.bytes.popleft()
                worker.busy_since = now
                answers.append(answer)
        except (EOFError, OSError):
            return False
        return True

    def _feed(self, worker: _Worker, now: float) -> None:
        while self._queue:
            message = ForkingPickler.dumps(self._queue[0])
            if not worker.takes(len(message)):
                return
            if not worker.jobs:
                worker.busy_since = now
            worker.jobs.append(self._queue.popleft())
            worker.bytes.append(len(message))
            try:
                worker.connection.send_bytes(message)
            except OSError:
                return  # it is gone; the next collect sees that and takes its jobs back

    def _replace(self, place: int, answers: list[Answer], blame: str) -> None:
        worker = self._workers[place]
        worker.end()
        if worker.jobs:  # they were answered in order, so the first one left was being decoded
            suspect = worker.jobs.popleft()
            self._failures[suspect.path] += 1
            if self._failures[suspect.path] < _ATTEMPTS:
                worker.jobs.appendleft(suspect)
            else:
                del self._failures[suspect.path]
                answers.append(_given_up(suspect.path, blame))
        self._queue.extendleft(reversed(worker.jobs))
        self._workers[place] = _Worker()


def _given_up(path: bytes, blame: str) -> Answer:
    try:
        key = FileKey.of(os.lstat(path))
    except OSError:
        return Vanished(path)
    return Unreadable(FileState(path, key), None, f"decoding it {blame}, {_ATTEMPTS} times")
