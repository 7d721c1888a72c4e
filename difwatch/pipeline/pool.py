"""Worker processes, each on private pipes; the parent owns the queue.

Nothing is shared between workers, so one that dies takes nothing with it but the job it was at, and that
one is tried once more. Workers are plain subprocesses and not forks or spawns of ``multiprocessing``:
threads run in the parent, and a user's unguarded main script must not be run again by every worker.
"""

from __future__ import annotations

import collections
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Protocol

from difwatch.errors import IncompleteError
from difwatch.model import Answer, FileState, Tensorized, TensorJob, Unreadable
from difwatch.pipeline.worker import InHand

# Jobs that wait at a worker, so that it is not idle while the parent keeps a batch.
_AHEAD_FIRST, _AHEAD_MOST, _AHEAD_SECONDS = 4, 100, 0.25
_PAGE = 4096
_PIPE_BYTES = 1 << 20
# Two crashes while its bytes are decoded are a verdict about a file, or four deaths that say less, or one and two.
_CRASH, _WEAK, _MOST = 2, 1, 4
_STILLBORN_MOST = 10
_JOBS_MOST = 20_000


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What a worker may use: seconds for a job, and bytes of address space."""

    seconds: float = 300.0
    memory: int = 4 << 30


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

    def restart(self, processes: int, limits: WorkerLimits) -> None:
        """Begin anew with so many workers; jobs without an answer are dropped."""

    def close(self) -> None:
        """End at once; jobs without an answer are dropped."""


class _Worker:
    def __init__(self, limits: WorkerLimits) -> None:
        job_read, job_write = os.pipe()
        answer_read, answer_write = os.pipe()
        # Room for the jobs and the answers of a whole batch, so that the worker goes on while the parent keeps one.
        for pipe in (job_write, answer_write):
            with contextlib.suppress(OSError):  # a user may have only so much; then it waits more often
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        page = os.memfd_create("difwatch-digest", os.MFD_CLOEXEC)
        os.ftruncate(page, InHand.BYTES)
        self._in_hand = InHand(page)
        # The child finds difwatch where we found it, also in a checkout that is not installed.
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            f"from difwatch.pipeline.worker import serve; "
            f"serve({job_read}, {answer_write}, {page}, {limits.memory}, {limits.seconds}, {os.getpid()})"
        )
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            pass_fds=[job_read, answer_write, page],
            stdin=subprocess.DEVNULL,
            env=environment,
            process_group=0,  # Ctrl-C is for the parent
        )
        for descriptor in (job_read, answer_write, page):
            os.close(descriptor)
        self.answers = Connection(answer_read, writable=False)
        self.jobs: collections.deque[TensorJob] = collections.deque()
        self.pages: collections.deque[int] = collections.deque()  # of the pipe that each of the jobs takes
        self.busy_since = 0.0
        self._to_worker = Connection(job_write, readable=False)
        self._ahead = _AHEAD_FIRST
        self._capacity = fcntl.fcntl(job_write, fcntl.F_GETPIPE_SZ) // _PAGE
        self.started = False
        self._answers = 0
        self.left = _JOBS_MOST  # jobs until it is replaced by a fresh one

    def send(self, job: TensorJob, now: float) -> bool:
        """Give it a job if it should have one more; tell whether it took it."""
        message = ForkingPickler.dumps(job)
        # A worker without jobs reads at once. One with jobs may be waiting for us to read its answers, so
        # what is sent to it must fit into the pipe.
        # A pipe counts in pages: a message begins a new one, and a long one has its length before it.
        pages = 2 + len(message) // _PAGE
        if not self.left:
            return False
        if self.jobs and (len(self.jobs) >= self._ahead or sum(self.pages) + pages > self._capacity):
            return False
        if not self.jobs:
            self.busy_since = now
        self.left -= 1
        self.jobs.append(job)
        self.pages.append(pages)
        with contextlib.suppress(OSError):  # it is gone; its jobs are taken back when that is seen
            self._to_worker.send_bytes(message)
        return True

    def answered(self, count: int, now: float) -> None:
        """Take note of its pace: it gets ahead what it does in the time that a batch takes to keep."""
        pace = (now - self.busy_since) / count
        self._ahead = max(2, min(_AHEAD_MOST, int(_AHEAD_SECONDS / pace) if pace > 0 else _AHEAD_MOST))
        self.busy_since = now
        self._answers += count

    def digest_in_hand(self) -> bytes | None:
        """The digest of what it is at, the first job without an answer; None if it did not come so far."""
        return self._in_hand.digest_of(self._answers)

    def end(self) -> None:
        """End the process at once."""
        self._to_worker.close()
        self.answers.close()
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it, and give back what was shared with it."""
        self.end()
        self._in_hand.close()


class WorkerPool:
    """Several worker processes.

    Parameters
    ----------
    processes
        How many, at least 1.
    limits
        Of each worker; one that has not answered in time is ended.
    """

    def __init__(self, processes: int, limits: WorkerLimits | None = None) -> None:
        self._begin(processes, limits or WorkerLimits())

    def _begin(self, processes: int, limits: WorkerLimits) -> None:
        self._limits = limits
        self._queue: collections.deque[TensorJob] = collections.deque()
        self._failures: collections.Counter[bytes] = collections.Counter()
        self._stillborn = 0
        self._workers = [_Worker(limits) for _ in range(processes)]

    def submit(self, job: TensorJob) -> None:
        """Add a job."""
        self._queue.append(job)

    def backlog(self) -> int:
        """How many jobs are not answered yet."""
        return len(self._queue) + sum(len(worker.jobs) for worker in self._workers)

    def waitables(self) -> Sequence[Connection]:
        """The pipes that the workers answer by."""
        return [worker.answers for worker in self._workers]

    def collect(self, now: float) -> list[Answer]:
        """Hand out waiting jobs and gather the answers that are there; never waits."""
        answers: list[Answer] = []
        ready = set(wait(self.waitables(), timeout=0))
        for place, worker in enumerate(self._workers):
            alive = worker.answers not in ready or self._receive(worker, now, answers)
            late = worker.jobs and now - worker.busy_since > self._limits.seconds
            if not alive or late:
                self._replace(place, answers, bool(late))
            elif not worker.left and not worker.jobs:
                worker.close()
                self._workers[place] = _Worker(self._limits)  # what a decoder leaks goes with its worker
        self._feed(now)
        return answers

    def restart(self, processes: int, limits: WorkerLimits) -> None:
        """End all workers at once and start others; what was not answered is dropped."""
        self.close()
        self._begin(processes, limits)

    def close(self) -> None:
        """End all workers at once; what they have not answered is dropped."""
        for worker in self._workers:
            worker.close()

    def _receive(self, worker: _Worker, now: float, answers: list[Answer]) -> bool:
        count = 0
        try:
            while worker.answers.poll():
                answer = worker.answers.recv()
                if not worker.started:  # the first word of a worker says that it is there
                    worker.started, self._stillborn = True, 0
                    continue
                answers.append(answer)
                self._failures.pop(worker.jobs.popleft().path, None)
                if isinstance(answer, Tensorized):
                    self._failures.pop(answer.digest, None)
                worker.pages.popleft()
                count += 1
        except (EOFError, OSError):
            return False
        finally:
            if count:
                worker.answered(count, now)
        return True

    def _feed(self, now: float) -> None:
        # Those that have started come first: what killed a worker is tried again at once.
        hungry = sorted(self._workers, key=lambda worker: not worker.started)
        while self._queue and hungry:  # one after the other, so that none is left behind with all of them
            for worker in list(hungry):
                if self._queue and worker.send(self._queue[0], now):
                    self._queue.popleft()
                else:
                    hungry.remove(worker)

    def _replace(self, place: int, answers: list[Answer], late: bool) -> None:
        worker = self._workers[place]
        worker.end()
        if not worker.started:
            self._stillborn += 1
            if self._stillborn > _STILLBORN_MOST:
                raise IncompleteError("worker processes end before they begin to work; install difwatch again")
        elif worker.jobs:  # they were answered in order, so the first one left was being decoded
            suspect = worker.jobs.popleft()
            # By what it holds, where that is known: its copies would do the same.
            digest = worker.digest_in_hand()
            guilty = digest or suspect.path
            # Who kills a worker from outside may mean the memory that this file takes, or nothing at all; and what
            # happens before its bytes are there is not the work of a decoder.
            from_outside = not late and worker.process.returncode == -signal.SIGKILL
            self._failures[guilty] += _WEAK if from_outside or digest is None else _CRASH
            if self._failures[guilty] < _MOST:
                worker.jobs.appendleft(suspect)
            else:
                reason = (
                    f"decoding it {'took too long' if late else 'ended the worker that decoded it'}, again and again"
                )
                answers.append(Unreadable(FileState(suspect.path, suspect.key), digest, reason))
                self._failures.pop(suspect.path, None)
        worker.close()
        self._queue.extendleft(reversed(worker.jobs))
        self._workers[place] = _Worker(self._limits)
