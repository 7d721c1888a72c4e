"""Worker processes, each on private pipes; the parent owns the queue.

Nothing is shared between workers, so a worker that dies fails only the job it was at, and that job is tried again.
Workers are plain subprocesses and not forks or spawns of ``multiprocessing``: threads run in the parent, and a user's
unguarded main script must not be run again by every worker.
"""

from __future__ import annotations

import collections
import enum
import signal
from collections.abc import Sequence
from multiprocessing.connection import wait
from typing import Protocol

from difwatch.errors import IncompleteError
from difwatch.model.files import FileState
from difwatch.model.jobs import Answer, Tensorized, TensorJob, Unreadable, WorkerLimits
from difwatch.workers.channel import TooLongError
from difwatch.workers.process import Worker
from difwatch.workers.wire import STARTED, WireError, unpacked

# A file is given up after two crashes while its bytes are decoded, four deaths that say less, or one and two of them.
_CRASH, _WEAK, _VERDICT = 2, 1, 4
_DIED_AT_START_MOST = 10


class Pool(Protocol):
    """Takes jobs and returns answers: exactly one for each job, in any order."""

    def submit(self, job: TensorJob) -> None:
        """Add a job."""

    def collect(self, now: float) -> list[Answer]:
        """Return the answers that are ready, without waiting for more."""

    def backlog(self) -> int:
        """Return the number of jobs without an answer."""

    def waitables(self) -> Sequence[int]:
        """Return the descriptors of what becomes readable when there is something to collect."""

    def restart(self, processes: int, limits: WorkerLimits) -> None:
        """Replace all workers; jobs without an answer are dropped."""

    def close(self) -> None:
        """End all workers at once; jobs without an answer are dropped."""


class _End(enum.Enum):
    """Why a worker must end: it is gone already, does not answer in time, or says what is no answer."""

    GONE = "gone"
    LATE = "late"
    WRONG = "wrong"


class WorkerPool:
    """Several worker processes.

    Parameters
    ----------
    processes
        The number of workers, at least 1.
    limits
        Of each worker; a worker that does not answer in time is killed.

    Attributes
    ----------
    workers
        The processes.
    """

    def __init__(self, processes: int, limits: WorkerLimits | None = None) -> None:
        self._begin(processes, limits or WorkerLimits())

    def _begin(self, processes: int, limits: WorkerLimits) -> None:
        self._limits = limits
        self._queue: collections.deque[TensorJob] = collections.deque()
        self._failures: collections.Counter[bytes] = collections.Counter()
        self._died_at_start = 0
        self.workers = [Worker(limits) for _ in range(processes)]

    def submit(self, job: TensorJob) -> None:
        """Add a job."""
        self._queue.append(job)

    def backlog(self) -> int:
        """Return the number of jobs without an answer."""
        return len(self._queue) + sum(len(worker.jobs) for worker in self.workers)

    def waitables(self) -> Sequence[int]:
        """Return the descriptors of the pipes that the workers answer by."""
        return [worker.answers.fileno() for worker in self.workers]

    def collect(self, now: float) -> list[Answer]:
        """Hand out waiting jobs and gather the answers that are there; never waits."""
        answers: list[Answer] = []
        ready = set(wait(self.waitables(), timeout=0))
        for place, worker in enumerate(self.workers):
            ends = worker.answers.fileno() in ready and self._receive(worker, now, answers)
            if worker.jobs and now - worker.busy_since > self._limits.seconds:
                ends = _End.LATE
            if ends:
                self._replace(place, answers, ends)
            elif not worker.left and not worker.jobs:
                worker.close()
                self.workers[place] = Worker(self._limits)  # what a decoder leaks goes with its worker
        self._feed(now)
        return answers

    def restart(self, processes: int, limits: WorkerLimits) -> None:
        """End all workers at once and start others; jobs without an answer are dropped."""
        self.close()
        self._begin(processes, limits)

    def close(self) -> None:
        """End all workers at once; jobs without an answer are dropped."""
        for worker in self.workers:
            worker.close()

    def _receive(self, worker: Worker, now: float, answers: list[Answer]) -> _End | None:
        """Gather the answers of a worker; return why it must end, None if it may go on."""
        count = 0
        try:
            for message in worker.messages():
                if not worker.started:  # the first message of a worker says that it has started
                    if message != STARTED:
                        return _End.WRONG
                    worker.started, self._died_at_start = True, 0
                    continue
                if not worker.jobs:
                    return _End.WRONG  # nobody asked
                answer = unpacked(message, worker.jobs[0])
                answers.append(answer)
                self._failures.pop(worker.jobs.popleft().path, None)
                if isinstance(answer, Tensorized):
                    self._failures.pop(answer.digest, None)
                worker.pages.popleft()
                count += 1
        except (TooLongError, WireError):
            return _End.WRONG
        except (EOFError, OSError):
            return _End.GONE
        finally:
            if count:
                worker.answered(count, now)
        return None

    def _feed(self, now: float) -> None:
        # Started workers come first, so that a job that killed a worker is tried again at once.
        idle = sorted(self.workers, key=lambda worker: not worker.started)
        while self._queue and idle:  # one job each in turn, so that no worker gets all of them
            for worker in list(idle):
                if self._queue and worker.send(self._queue[0], now):
                    self._queue.popleft()
                else:
                    idle.remove(worker)

    def _replace(self, place: int, answers: list[Answer], end: _End) -> None:
        worker = self.workers[place]
        worker.end()
        if not worker.started:
            self._died_at_start += 1
            if self._died_at_start > _DIED_AT_START_MOST:
                raise IncompleteError("worker processes end before they begin to work; install difwatch again")
        elif worker.jobs:  # jobs are answered in order, so the first one left was being decoded
            suspect = worker.jobs.popleft()
            # Blame the content where it is known: copies of the file would do the same.
            digest = worker.digest_in_hand()
            blame = digest or suspect.path
            # A kill from outside may be due to the memory that this file takes, or to nothing in it. And what happens
            # before the bytes are read is not the work of a decoder.
            from_outside = end is _End.GONE and worker.process.returncode == -signal.SIGKILL
            self._failures[blame] += _WEAK if from_outside or digest is None else _CRASH
            if self._failures[blame] < _VERDICT:
                worker.jobs.appendleft(suspect)
            else:
                what = "took too long" if end is _End.LATE else "ended the worker that decoded it"
                reason = f"decoding it {what}, again and again"
                answers.append(Unreadable(FileState(suspect.path, suspect.key), digest, reason))
                self._failures.pop(suspect.path, None)
        worker.close()
        self._queue.extendleft(reversed(worker.jobs))
        self.workers[place] = Worker(self._limits)
