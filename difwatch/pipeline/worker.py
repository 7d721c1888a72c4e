"""What runs in a worker process: one file in, its tensor or the reason why not out.

A worker knows no database and no other worker. It is started as ``python -c`` with the descriptors of its
private pipes, answers one job after the other, and ends when the pipes do.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import itertools
import mmap
import os
import signal
import stat
import time
from multiprocessing.connection import Connection

import numpy as np

from difwatch.imaging import DecodeError, make
from difwatch.imaging.tensor import tensor_digest
from difwatch.model import Answer, FileKey, FileState, Postponed, Tensorized, TensorJob, Unreadable, Vanished
from difwatch.pipeline.confine import allow_cpu, confine
from difwatch.search.sketch import sketches

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_PASSING = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENFILE, errno.EMFILE, errno.ENOMEM, errno.EAGAIN}
_DIGEST_BYTES = 32
_NO_DIGEST = bytes(_DIGEST_BYTES)
_TIME_STEP_NS = 20_000_000
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR}


class InHand:
    """Shared memory that says which job a worker is at, and the digest of its bytes once they are read.

    Parameters
    ----------
    descriptor
        Of at least `BYTES` of memory.
    """

    BYTES = 8 + _DIGEST_BYTES

    def __init__(self, descriptor: int) -> None:
        self._page = mmap.mmap(descriptor, self.BYTES)

    def begin(self, number: int) -> None:
        """A job begins, the so manieth of this worker. In this order: a digest is never that of another job."""
        self._page[8:] = _NO_DIGEST
        self._page[:8] = number.to_bytes(8, "little")

    def note(self, digest: bytes) -> None:
        """Its bytes are known, and will be decoded."""
        self._page[8:] = digest

    def digest_of(self, number: int) -> bytes | None:
        """The digest of a job; None if the worker is at another one, or has not read it yet."""
        digest = self._page[8:]
        return None if int.from_bytes(self._page[:8], "little") != number or digest == _NO_DIGEST else digest

    def close(self) -> None:
        """Give the memory back."""
        self._page.close()


def serve(jobs: int, answers: int, page: int, memory: int, seconds: float, parent: int) -> None:
    """Answer the jobs that come by one pipe by the other one, until they are closed.

    Parameters
    ----------
    jobs, answers
        Descriptors of the pipes.
    page
        Descriptor of shared memory where the digest of the bytes that are being decoded is noted.
    memory
        Bytes of address space that this process may have.
    seconds
        CPU that a job may take.
    parent
        Its pid; this process dies with it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes the pipes
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # somebody opens a file that we just ask about
    confine(memory, parent)
    in_hand = InHand(page)
    incoming, outgoing = Connection(jobs, writable=False), Connection(answers, readable=False)
    with contextlib.suppress(EOFError, OSError):  # the parent has closed the pipes, or is gone
        outgoing.send(None)  # it has started
        for number in itertools.count():
            job = incoming.recv()
            in_hand.begin(number)
            allow_cpu(seconds)
            outgoing.send(tensorize(job, in_hand))


def tensorize(job: TensorJob, in_hand: InHand | None = None) -> Answer:
    """Read a file once and make its tensor from the bytes that were hashed.

    Their digest is put ``in_hand`` before they are decoded, so that it is known if that ends the process.
    """
    seen = FileState(job.path, None)
    try:
        # Neither a link nor a FIFO must be followed or waited for.
        descriptor = os.open(job.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return _unopened(job.path, error)
    try:
        before = _stat_at_rest(descriptor)
        seen = FileState(job.path, FileKey.of(before))
        if not stat.S_ISREG(before.st_mode):
            kind = _KINDS.get(stat.S_IFMT(before.st_mode))
            return Unreadable(seen, None, f"this is {kind}, not a file") if kind else Vanished(job.path)
        if job.unshared and _is_being_written(descriptor):
            return Vanished(job.path, being_written=True)
        if before.st_size > job.max_bytes:
            return Unreadable(
                seen, None, f"the file has {before.st_size} bytes, more than the limit of {job.max_bytes}"
            )
        data = _read(descriptor, before.st_size)
        if FileKey.of(os.fstat(descriptor)) != seen.key:
            return Vanished(job.path)
        if len(data) != before.st_size:
            return Unreadable(seen, None, f"the file should give {before.st_size} bytes and does not")
    except OSError as error:
        return _unread(seen, error)
    finally:
        os.close(descriptor)
    digest = hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
    if digest in job.known_digests:
        return Tensorized(seen, digest, known=True)
    if in_hand is not None:
        in_hand.note(digest)
    return _tensorize(job, seen, data, digest)


def _stat_at_rest(descriptor: int) -> os.stat_result:
    """The state of an open file, when no later change can get the same time stamps: these come in steps."""
    found = os.fstat(descriptor)
    age = time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns)
    if 0 <= age < _TIME_STEP_NS:
        time.sleep((_TIME_STEP_NS - age) / 1e9)
        return os.fstat(descriptor)
    return found


def _is_being_written(descriptor: int) -> bool:
    """Tell whether a process has the file open for writing, where the system tells it (owner or CAP_LEASE)."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def _unread(seen: FileState, error: OSError) -> Answer:
    reason = f"the file cannot be read: {error.strerror}"
    return Postponed(seen.path, reason) if error.errno in _PASSING else Unreadable(seen, None, reason)


def _unopened(path: bytes, error: OSError) -> Answer:
    if error.errno in _GONE:
        return Vanished(path)
    if error.errno in _PASSING:
        return Postponed(path, f"the file cannot be opened: {error.strerror}")
    try:
        seen = os.lstat(path)
    except OSError:
        return Vanished(path)
    kind = _KINDS.get(stat.S_IFMT(seen.st_mode))
    reason = f"this is {kind}, not a file" if kind else f"the file cannot be opened: {error.strerror}"
    return Unreadable(FileState(path, FileKey.of(seen)), None, reason)


def _read(descriptor: int, size: int) -> bytes:
    parts = []
    while part := os.read(descriptor, min(max(size, 1), 1 << 24)):
        parts.append(part)
        size -= len(part)
        if size < 0:
            break  # it grows while we read; the caller sees that it does not fit
    return b"".join(parts)


def _tensorize(job: TensorJob, seen: FileState, data: bytes, digest: bytes) -> Answer:
    try:
        made = make(data, job.px, job.recipe, job.max_pixels)
    except DecodeError as error:
        return Unreadable(seen, digest, str(error))
    except MemoryError:
        return Unreadable(seen, digest, "the picture needs more memory than a worker may use")
    return Tensorized(
        seen,
        digest,
        known=False,
        width=made.width,
        height=made.height,
        tensor=made.tensor.tobytes(),
        tensor_digest=tensor_digest(made.tensor),
        sketch=sketches(made.tensor[np.newaxis])[0].tobytes(),
    )
