"""Worker processes, each on a private socket and pipe; the parent owns the queue, and opens the files.

Nothing is shared between workers, so a worker that dies fails only the job it was at, and that job is tried again.
Workers are plain subprocesses and not forks or spawns of ``multiprocessing``: threads run in the parent, and a user's
unguarded main script must not be run again by every worker.
"""

from __future__ import annotations

import collections
import enum
import logging
import signal
from collections.abc import Sequence
from multiprocessing.connection import wait
from typing import Protocol

from difwatch.errors import IncompleteError
from difwatch.model.files import FileState
from difwatch.model.jobs import Answer, Postponed, Tensorized, TensorJob, Unreadable, WorkerLimits
from difwatch.workers.channel import TooLongError
from difwatch.workers.process import Worker
from difwatch.workers.wire import STARTED, STARTED_OPEN, WireError, unpacked

log = logging.getLogger(__name__)

# A file is given up after two crashes while its bytes are decoded, four deaths that say less, or one and two of them.
_CRASH, _WEAK, _VERDICT = 2, 1, 4
_KILLED_MOST = 3  # times that a worker may be ended from outside at a job, the later times with nothing beside it
_BEFORE_ALONE = 1000  # other jobs that go before one that is to be alone
_KILLED = "reading it was ended from outside, probably for want of memory"
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
        self._alone: collections.deque[TensorJob] = collections.deque()  # each when nothing else is being read
        self._before_alone = 0  # jobs that may still go before these
        self._lone: Worker | None = None  # the worker that has one of them in hand
        self._failures: collections.Counter[bytes] = collections.Counter()
        self._kills: collections.Counter[bytes] = collections.Counter()
        self._died_at_start = 0
        self._is_open = False
        self.workers = [Worker(limits) for _ in range(processes)]

    def submit(self, job: TensorJob) -> None:
        """Add a job."""
        self._queue.append(job)

    def backlog(self) -> int:
        """Return the number of jobs without an answer."""
        return len(self._queue) + len(self._alone) + sum(len(worker.jobs) for worker in self.workers)

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
        self._feed(now, answers)
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
                    if message not in (STARTED, STARTED_OPEN):
                        return _End.WRONG
                    if message == STARTED_OPEN:
                        self._say_open()
                    worker.started, self._died_at_start = True, 0
                    continue
                if not worker.jobs:
                    return _End.WRONG  # nobody asked
                answer = unpacked(message, worker.jobs[0])
                answers.append(answer)
                path = worker.jobs.popleft().path
                self._failures.pop(path, None)
                self._kills.pop(path, None)
                if isinstance(answer, Tensorized):
                    self._failures.pop(answer.digest, None)
                count += 1
        except (TooLongError, WireError):
            return _End.WRONG
        except (EOFError, OSError):
            return _End.GONE
        finally:
            if count:
                worker.answered(count, now)
        return None

    def _feed(self, now: float, answers: list[Answer]) -> None:
        if self._lone is not None and self._lone.jobs:
            return
        self._lone = None
        is_turn_of_alone = bool(self._alone) and (not self._queue or self._before_alone <= 0)
        if is_turn_of_alone:
            if not any(worker.jobs for worker in self.workers) and self._send(
                self.workers[0], self._alone, now, answers
            ):
                self._lone = self.workers[0]
            return
        # Started workers come first, so that a job that killed a worker is tried again at once.
        idle = sorted(self.workers, key=lambda worker: not worker.started)
        while self._queue and idle:  # one job each in turn, so that no worker gets all of them
            for worker in list(idle):
                if not (self._queue and worker.may_take() and self._send(worker, self._queue, now, answers)):
                    idle.remove(worker)

    def _send(self, worker: Worker, queue: collections.deque[TensorJob], now: float, answers: list[Answer]) -> bool:
        """Send the first job of a queue, or gather the answer of a file that cannot be opened."""
        sent = worker.send(queue[0], now)
        if sent is False:
            return False
        queue.popleft()
        self._before_alone -= queue is self._queue
        if sent is not True:
            answers.append(sent)
        return True

    def _replace(self, place: int, answers: list[Answer], end: _End) -> None:
        worker = self.workers[place]
        worker.end()
        if not worker.started:
            self._died_at_start += 1
            if self._died_at_start > _DIED_AT_START_MOST:
                raise IncompleteError("worker processes end before they begin to work; install difwatch again")
        elif worker.jobs:  # jobs are answered in order, so the first one left was being decoded
            suspect = worker.jobs.popleft()
            if end is _End.GONE and worker.process.returncode == -signal.SIGKILL:
                self._killed(suspect, answers)
            else:
                self._crashed(suspect, worker, answers, end)
        worker.close()
        self._queue.extendleft(reversed(worker.jobs))
        worker.jobs.clear()  # it has none in hand any more, also if it was reading one alone
        self.workers[place] = Worker(self._limits)

    def _killed(self, suspect: TensorJob, answers: list[Answer]) -> None:
        """Try a job again, when nothing else is being read, at which something from outside ended its worker.

        That is mostly the system, for want of memory, which others may have taken: it says nothing about the file.
        """
        self._kills[suspect.path] += 1
        if self._kills[suspect.path] < _KILLED_MOST:
            self._alone.append(suspect)
            self._before_alone = _BEFORE_ALONE
        else:
            answers.append(Postponed(suspect.path, _KILLED))
            self._kills.pop(suspect.path)

    def _crashed(self, suspect: TensorJob, worker: Worker, answers: list[Answer], end: _End) -> None:
        # Blame the content where it is known: copies of the file would do the same. And what happens before the bytes
        # are read is not the work of a decoder.
        digest = worker.digest_in_hand()
        blame = digest or suspect.path
        self._failures[blame] += _WEAK if digest is None else _CRASH
        if self._failures[blame] < _VERDICT:
            worker.jobs.appendleft(suspect)
            return
        what = "took too long" if end is _End.LATE else "ended the worker that decoded it"
        reason = f"decoding it {what}, again and again"
        answers.append(Unreadable(FileState(suspect.path, suspect.key), digest, reason, given_up=True))
        self._failures.pop(suspect.path, None)

    def _say_open(self) -> None:
        if not self._is_open:
            log.warning(
                "the processes that decode cannot be confined on this machine (SECURITY.md says what is left)"
            )
        self._is_open = True
