"""One worker as its parent sees it: a process, a private socket for jobs, a pipe for answers and a shared page."""

from __future__ import annotations

import collections
import contextlib
import errno
import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

from difwatch.model.jobs import Answer, TensorJob, WorkerLimits
from difwatch.workers.channel import Incoming
from difwatch.workers.in_hand import InHand
from difwatch.workers.opening import open_file
from difwatch.workers.wire import STARTED, job_packed, largest

# Jobs that wait at a worker, so that it is not idle while the parent stores a batch.
_AHEAD_FIRST, _AHEAD_MOST, _AHEAD_SECONDS = 4, 100, 0.25
# A socket that is full, of messages or of open files.
_FULL = {errno.EAGAIN, errno.ENOBUFS, errno.ETOOMANYREFS}
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
        self._to_worker, jobs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._to_worker.setblocking(False)
        answer_read, answer_write = os.pipe()
        # Room for the answers of a whole batch, so that the worker goes on while the parent stores one.
        with contextlib.suppress(OSError):  # a user's pipe memory is limited; then the worker waits more often
            fcntl.fcntl(answer_write, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        page = os.memfd_create("difwatch-digest", os.MFD_CLOEXEC)
        os.ftruncate(page, InHand.BYTES)
        self.in_hand = InHand(page)
        theirs = [_above_standard(descriptor) for descriptor in (jobs.detach(), answer_write, page)]
        # The child finds difwatch where its parent did, also in a checkout that is not installed.
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            f"from difwatch.workers.worker import serve; "
            f"serve({theirs[0]}, {theirs[1]}, {theirs[2]}, {limits.memory}, {limits.seconds}, {os.getpid()}, "
            f"{limits.apart})"
        )
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            pass_fds=theirs,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=environment,
            process_group=0,  # Ctrl-C is for the parent
        )
        for descriptor in theirs:
            os.close(descriptor)
        self.answers = Incoming(answer_read)
        self.jobs: collections.deque[TensorJob] = collections.deque()
        self.busy_since = 0.0
        self._ahead = _AHEAD_FIRST
        self.started = False
        self._answers = 0
        self.left = _JOBS_MOST

    def may_take(self) -> bool:
        """Tell whether the worker should have one more job."""
        return self.left > 0 and len(self.jobs) < self._ahead

    def send(self, job: TensorJob, now: float) -> Answer | bool:
        """Send a job with its open file.

        Returns
        -------
        bool or Answer
            Whether there was room for it; or the answer of a file that cannot be opened.
        """
        opened = open_file(job.path) if job.descriptor is None else job.descriptor
        if not isinstance(opened, int):
            return opened
        try:
            socket.send_fds(self._to_worker, [job_packed(job)], [opened])
        except OSError as error:
            if error.errno in _FULL:
                return False  # only while the worker has others to answer, or another worker has
            # The worker is gone; its jobs are taken back when that is noticed.
        finally:
            if job.descriptor is None:
                os.close(opened)
        if not self.jobs:
            self.busy_since = now
        self.left -= 1
        self.jobs.append(job)
        return True

    def messages(self) -> Iterator[bytes]:
        """Yield what the worker has said, as `difwatch.workers.channel.Incoming.messages` does."""
        yield from self.answers.messages(largest(self.jobs[0]) if self.jobs else len(STARTED))

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


def _above_standard(descriptor: int) -> int:
    """Return a descriptor above 2, because those up to 2 become the standard streams of the child."""
    if descriptor > 2:
        return descriptor
    above = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return above
