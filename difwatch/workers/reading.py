"""One file to its answer: its bytes are read once, hashed, and decoded from memory."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time

from difwatch.digest import digest_of
from difwatch.extensions import is_raw_name
from difwatch.imaging.decode import DecodeError
from difwatch.imaging.recipe import make
from difwatch.imaging.view import view
from difwatch.model.files import FileKey, FileState
from difwatch.model.jobs import Answer, Postponed, Shown, Tensorized, TensorJob, Unreadable, Unsettled
from difwatch.workers.appearance import appearance
from difwatch.workers.in_hand import InHand
from difwatch.workers.opening import PASSING, kind_of, open_file

_BLOCK = 1 << 24
_TIME_STEP_NS = 20_000_000  # within which two changes of a file may get the same time stamps


def tensorize(job: TensorJob) -> Answer:
    """Open a file and make its tensor in this process."""
    opened = open_file(job.path)
    if not isinstance(opened, int):
        return opened
    try:
        return read(job, opened)
    finally:
        os.close(opened)


def read(job: TensorJob, descriptor: int, in_hand: InHand | None = None) -> Answer:
    """Read an open file once and make its tensor from the bytes that were hashed.

    The digest is put ``in_hand`` before the bytes are decoded, so that it is known if decoding ends the process.
    """
    seen = FileState(job.path, None)
    try:
        stat_result = _stat_at_rest(descriptor)
        seen = FileState(job.path, FileKey.of(stat_result))
        if not stat.S_ISREG(stat_result.st_mode):
            kind = kind_of(stat_result.st_mode)
            return Unreadable(seen, None, f"this is {kind}, not a file") if kind else Unsettled(job.path)
        if job.unshared and _is_being_written(descriptor):
            return Unsettled(job.path, being_written=True)
        size = stat_result.st_size
        if size > job.limits.max_bytes:
            return Unreadable(seen, None, f"the file has {size} bytes, more than the limit of {job.limits.max_bytes}")
        data = _read(descriptor, size)
        if FileKey.of(os.fstat(descriptor)) != seen.key:
            return Unsettled(job.path)
        if len(data) != size:
            return Unreadable(seen, None, f"the file should give {size} bytes and does not")
    except OSError as error:
        return _unread(seen, error)
    digest = digest_of(data)
    if digest in job.known_digests:
        return Tensorized(seen, digest, known=True)
    if in_hand is not None:
        in_hand.note(digest)
    return _tensorize(job, seen, data, digest)


def _stat_at_rest(descriptor: int) -> os.stat_result:
    """Return the state of an open file once no later change can get the same timestamps, which come in steps."""
    stat_result = os.fstat(descriptor)
    age = time.time_ns() - max(stat_result.st_mtime_ns, stat_result.st_ctime_ns)
    if 0 <= age < _TIME_STEP_NS:
        time.sleep((_TIME_STEP_NS - age) / 1e9)
        return os.fstat(descriptor)
    return stat_result


def _is_being_written(descriptor: int) -> bool:
    """Tell whether a process has the file open for writing, where the system reports it (owner or CAP_LEASE)."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def _unread(seen: FileState, error: OSError) -> Answer:
    reason = f"the file cannot be read: {error.strerror}"
    return Postponed(seen.path, reason) if error.errno in PASSING else Unreadable(seen, None, reason)


def _read(descriptor: int, size: int) -> bytes:
    # At its places, because whoever opened the file may be reading it too.
    parts: list[bytes] = []
    done = 0
    while part := os.pread(descriptor, min(max(size, 1), _BLOCK), done):
        parts.append(part)
        done += len(part)
        if done > size:
            break  # the file grows while it is read; the caller compares the sizes
    return b"".join(parts)


def _tensorize(job: TensorJob, seen: FileState, data: bytes, digest: bytes) -> Answer:
    try:
        if job.view is not None:
            most, shown = job.limits.max_pixels, job.view
            return Shown(seen, digest, view(data, shown.side, shown.orientation, most, is_raw_name(job.path)))
        made = make(data, job.px, job.recipe, job.limits.max_pixels, is_raw_name(job.path))
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
        appearance=appearance(made.tensor, made.inside),
        frames=made.frames,
        facts=made.facts,
    )
