"""How jobs and answers are sent. A worker's answers come in a fixed binary form, of which the parent makes numbers,
bytes and text only.

A decoder that was taken over by a picture speaks for its worker. So no object is made of what a worker says, every
length and number is checked, and the path is that of the job and not sent at all. What does not fit is a `WireError`.

A message is a kind, a record of fixed size, and byte strings, each after its length. A missing one has the length -1.
"""

from __future__ import annotations

import math
import operator
import pickle
import struct
from collections.abc import Sequence

import numpy as np

from difwatch.compare.tensor_sketch import TENSOR_SKETCH
from difwatch.compare.tone_sketch import TONE_SKETCH
from difwatch.digest import SIZE as DIGEST_BYTES
from difwatch.model.files import FileKey, FileState
from difwatch.model.jobs import Answer, Limits, Postponed, Shown, Tensorized, TensorJob, Unreadable, Unsettled, View
from difwatch.model.pictures import Appearance, Facts

STARTED, STARTED_OPEN = b"\0", b"\1"
"""The first message of a worker: it is confined, or could not give up its system calls on this machine."""

JOB_MOST = 1 << 17
"""The largest number of bytes of a job."""

_TENSORIZED, _UNREADABLE, _POSTPONED, _UNSETTLED, _SHOWN = 1, 2, 3, 4, 5
_KEY = struct.Struct("<5q")
_key_of = operator.attrgetter(*FileKey.__slots__)
_PICTURE = struct.Struct("<?qqqqqq?")  # known, width, height, frames, bits, orientation, quality, has_place
_LENGTH = struct.Struct("<q")
_FLAG = struct.Struct("<?")
_TEXT_MOST = 4096  # bytes
_PROTOCOL = pickle.HIGHEST_PROTOCOL
_FRAMES_MOST = 10**9
_PIXEL_MOST = 2  # bytes of a JPEG; of noise it has less
_JPEG = b"\xff\xd8"
_SKETCHES = (4 * TENSOR_SKETCH.size, 4 * TONE_SKETCH.size)


def job_packed(job: TensorJob) -> bytes:
    """Return a job as bytes. They come from a parent that is trusted; plain values take less time than objects."""
    key, limits = job.key, job.limits
    numbers = (key.size, key.mtime_ns, key.ctime_ns, key.dev, key.inode, job.px, limits.max_pixels, limits.max_bytes)
    view = None if job.view is None else (job.view.side, job.view.orientation)
    return pickle.dumps((job.path, numbers, tuple(job.known_digests), job.unshared, job.recipe, view), _PROTOCOL)


def job_unpacked(message: bytes) -> TensorJob:
    """Return the job that `job_packed` made bytes of."""
    path, numbers, known_digests, unshared, recipe, shown = pickle.loads(message)
    *key, px, max_pixels, max_bytes = numbers
    limits, view = Limits(max_pixels, max_bytes), None if shown is None else View(*shown)
    return TensorJob(path, FileKey(*key), px, limits, frozenset(known_digests), unshared, recipe, view=view)


class WireError(Exception):
    """This is no answer to the job."""


def largest(job: TensorJob) -> int:
    """Return the largest number of bytes of an answer to a job."""
    return (4 * job.px**2 if job.view is None else _jpeg_most(job.view)) + 16 * _TEXT_MOST


def _jpeg_most(view: View) -> int:
    return _PIXEL_MOST * view.side**2 + _TEXT_MOST


def packed(answer: Answer) -> bytes:
    """Return an answer as bytes."""
    match answer:
        case Tensorized():
            return _packed_tensorized(answer)
        case Shown():
            assert answer.state.key is not None
            return bytes([_SHOWN]) + _strings([_KEY.pack(*_key_of(answer.state.key)), answer.digest, answer.jpeg])
        case Unreadable():
            key = None if answer.state.key is None else _KEY.pack(*_key_of(answer.state.key))
            return bytes([_UNREADABLE]) + _strings([key, answer.digest, _text(answer.reason)])
        case Postponed():
            return bytes([_POSTPONED]) + _strings([_text(answer.reason)])
        case Unsettled():
            return bytes([_UNSETTLED]) + _FLAG.pack(answer.being_written)


def unpacked(message: bytes, job: TensorJob) -> Answer:
    """Return the answer to a job.

    Raises
    ------
    WireError
        The message is none.
    """
    reader = _Reader(message)
    kind = reader.byte()
    if kind == _TENSORIZED and job.view is None:
        answer: Answer = _unpacked_tensorized(reader, job)
    elif kind == _SHOWN and job.view is not None:
        answer = _unpacked_shown(reader, job, job.view)
    elif kind == _UNREADABLE:
        key = reader.string({_KEY.size}, optional=True)
        digest = reader.string({DIGEST_BYTES}, optional=True)
        state = FileState(job.path, None if key is None else FileKey(*_KEY.unpack(key)))
        answer = Unreadable(state, digest, reader.text() or "")
    elif kind == _POSTPONED:
        answer = Postponed(job.path, reader.text() or "")
    elif kind == _UNSETTLED:
        (being_written,) = reader.record(_FLAG)
        answer = Unsettled(job.path, bool(being_written))
    else:
        raise WireError(f"kind {kind}")
    reader.end()
    return answer


def _packed_tensorized(answer: Tensorized) -> bytes:
    facts, look = answer.facts, answer.appearance
    assert answer.state.key is not None
    quality = -1 if facts.quality is None else facts.quality
    numbers = (answer.width, answer.height, answer.frames, facts.bits, facts.orientation, quality)
    texts = [None if text is None else _text(text) for text in (facts.format, facts.camera, facts.lens, facts.taken)]
    seen = () if look is None else (look.tensor, look.digest, look.sketch, look.tone_sketch, look.alike, look.inside)
    parts = [*seen, *(() if look is None else (look.inside_sketch,))]
    head = bytes([_TENSORIZED]) + _KEY.pack(*_key_of(answer.state.key))
    return head + _PICTURE.pack(answer.known, *numbers, facts.has_place) + _strings([answer.digest, *texts, *parts])


def _unpacked_tensorized(reader: _Reader, job: TensorJob) -> Tensorized:
    key = FileKey(*reader.record(_KEY))
    known, width, height, frames, bits, orientation, quality, has_place = reader.record(_PICTURE)
    digest = reader.string({DIGEST_BYTES})
    assert digest is not None
    kind, camera, lens, taken = (reader.text() for _ in range(4))
    state = FileState(job.path, key)
    if known:
        if digest not in job.known_digests:
            raise WireError("an unknown digest")
        return Tensorized(state, digest, known=True)
    if min(width, height) < 1 or width * height > job.limits.max_pixels:
        raise WireError(f"a picture of {width} x {height}")
    if not (0 < frames <= _FRAMES_MOST and 0 < bits <= 64 and 0 < orientation <= 8 and -1 <= quality <= 100):
        raise WireError("facts that cannot be")
    facts = Facts(
        kind or "", bits, camera, lens, taken, bool(has_place), orientation, None if quality < 0 else quality
    )
    return Tensorized(state, digest, False, width, height, _appearance(reader, job.px), frames, facts)


def _unpacked_shown(reader: _Reader, job: TensorJob, view: View) -> Shown:
    key, digest = reader.string({_KEY.size}), reader.string({DIGEST_BYTES})
    jpeg = reader.string(range(_jpeg_most(view) + 1))
    assert key is not None and digest is not None and jpeg is not None
    if not jpeg.startswith(_JPEG):
        raise WireError("a view that is no JPEG")
    return Shown(FileState(job.path, FileKey(*_KEY.unpack(key))), digest, jpeg)


def _appearance(reader: _Reader, px: int) -> Appearance:
    by_tensor, by_tone = _SKETCHES
    lengths = (
        (3 * px * px,),
        (DIGEST_BYTES,),
        (by_tensor,),
        (0, by_tone),
        (0, DIGEST_BYTES),
        (0, px * px),
        (0, by_tone),
    )
    look = Appearance(*(reader.string(set(allowed)) or b"" for allowed in lengths))
    if bool(look.inside) != bool(look.inside_sketch) or bool(look.alike) == bool(look.tone_sketch):
        raise WireError("parts that do not belong together")
    for sketch in (look.sketch, look.tone_sketch, look.inside_sketch):
        if not math.isfinite(float(np.frombuffer(sketch, np.float32).sum(dtype=np.float64))):
            raise WireError("a sketch that is no number")
    return look


def _text(text: str) -> bytes:
    return text.encode("utf-8", "replace")[:_TEXT_MOST].decode("utf-8", "ignore").encode()


def _strings(parts: Sequence[bytes | None]) -> bytes:
    return b"".join(_LENGTH.pack(-1) if part is None else _LENGTH.pack(len(part)) + part for part in parts)


class _Reader:
    """A message, read from its beginning to its end."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._at = 0

    def byte(self) -> int:
        """Return the next byte."""
        return self._take(1)[0]

    def record(self, form: struct.Struct) -> tuple[int, ...]:
        """Return the numbers of a record."""
        return form.unpack(self._take(form.size))

    def string(self, lengths: set[int] | range, optional: bool = False) -> bytes | None:
        """Return the next byte string; None if it is missing, which only an optional one may be."""
        (length,) = _LENGTH.unpack(self._take(_LENGTH.size))
        if length == -1 and optional:
            return None
        if length not in lengths:
            raise WireError(f"{length} bytes")
        return self._take(length)

    def text(self) -> str | None:
        """Return the next text; None if it is missing."""
        string = self.string(range(_TEXT_MOST + 1), optional=True)
        try:
            return None if string is None else string.decode()
        except UnicodeDecodeError as error:
            raise WireError("a text that is none") from error

    def end(self) -> None:
        """Check that nothing is left."""
        if self._at != len(self._message):
            raise WireError("more than an answer")

    def _take(self, count: int) -> bytes:
        part = self._message[self._at : self._at + count]
        if len(part) != count:
            raise WireError("less than an answer")
        self._at += count
        return part
