"""One worker as its parent sees it: a process, two private pipes and a shared page."""

from __future__ import annotations

import collections
import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler

from difwatch.model.jobs import TensorJob, WorkerLimits
from difwatch.workers.channel import Incoming
from difwatch.workers.in_hand import InHand
from difwatch.workers.wire import STARTED, largest

# Jobs that wait at a worker, so that it is not idle while the parent stores a batch.
_AHEAD_FIRST, _AHEAD_MOST, _AHEAD_SECONDS = 4, 100, 0.25
_PAGE = 4096
_PIPE_BYTES = 1 << 20
_JOBS_MOST = 20_000


class Worker:
    """A worker process.

    Attributes
    ----------
    process
        The process itself.
    answers
        The pipe of its answers.
    jobs
        The jobs that it has not answered, oldest first.
    started
        Whether the worker has reported that it started.
    left
        The number of jobs until a fresh worker replaces this one.
    in_hand
        The shared page.
    busy_since
        When the worker was last idle or answered, in seconds of the monotonic clock.
    """

    def __init__(self, limits: WorkerLimits) -> None:
        job_read, job_write = os.pipe()
        answer_read, answer_write = os.pipe()
        # Room for the jobs and the answers of a whole batch, so that the worker goes on while the parent stores one.
        for pipe in (job_write, answer_write):
            with contextlib.suppress(OSError):  # a user's pipe memory is limited; then the worker waits more often
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        page = os.memfd_create("difwatch-digest", os.MFD_CLOEXEC)
        os.ftruncate(page, InHand.BYTES)
        self.in_hand = InHand(page)
        # The child finds difwatch where its parent did, also in a checkout that is not installed.
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            f"from difwatch.workers.worker import serve; "
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
        self.answers = Incoming(answer_read)
        self.jobs: collections.deque[TensorJob] = collections.deque()
        self.pages: collections.deque[int] = collections.deque()  # pages of the pipe that each job takes
        self.busy_since = 0.0
        self._to_worker = Connection(job_write, readable=False)
        self._ahead = _AHEAD_FIRST
        self._capacity = fcntl.fcntl(job_write, fcntl.F_GETPIPE_SZ) // _PAGE
        self.started = False
        self._answers = 0
        self.left = _JOBS_MOST

    def send(self, job: TensorJob, now: float) -> bool:
        """Send a job if the worker should have one more; return whether the job was sent."""
        message = ForkingPickler.dumps(job)
        # A worker without jobs reads at once. One with jobs may be waiting for us to read its answers, so the message
        # must fit into the pipe. A pipe counts in pages: a message begins a new one, after its length if it is long.
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
        with contextlib.suppress(OSError):  # the worker is gone; its jobs are taken back when that is noticed
            self._to_worker.send_bytes(message)
        return True

    def messages(self) -> Iterator[bytes]:
        """Yield what the worker has said, as `difwatch.workers.channel.Incoming.messages` does."""
        yield from self.answers.messages(largest(self.jobs[0].px) if self.jobs else len(STARTED))

    def answered(self, count: int, now: float) -> None:
        """Note that ``count`` jobs were answered; as many may wait as are done while a batch is stored."""
        pace = (now - self.busy_since) / count
        self._ahead = max(2, min(_AHEAD_MOST, int(_AHEAD_SECONDS / pace) if pace > 0 else _AHEAD_MOST))
        self.busy_since = now
        self._answers += count

    def digest_in_hand(self) -> bytes | None:
        """Return the digest of the first job without an answer; None if its bytes are not read yet."""
        return self.in_hand.digest_of(self._answers)

    def end(self) -> None:
        """Kill the process."""
        self._to_worker.close()
        self.answers.close()
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Kill the process, and release what was shared with it."""
        self.end()
        self.in_hand.close()
