"""What a worker says: every answer comes through as it is, and nothing else is one."""

import os
import struct
from dataclasses import replace
from multiprocessing.connection import wait

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.model.files import FileKey, FileState
from difwatch.model.jobs import Limits, Postponed, Shown, Tensorized, TensorJob, Unreadable, Unsettled, View
from difwatch.model.pictures import Facts
from difwatch.workers.appearance import appearance
from difwatch.workers.channel import Incoming, TooLongError, send
from difwatch.workers.pool import WorkerPool
from difwatch.workers.wire import STARTED, WireError, job_packed, job_unpacked, largest, packed, unpacked
from tests.support.photos import photo

PX = 10
JOB = TensorJob(b"/p/a.jpg", FileKey(1, 2, 3, 4, 5), PX, Limits(10**8, 10**8), frozenset([b"k" * 32]))

whole = st.integers(-(2**63), 2**63 - 1)
keys = st.builds(FileKey, whole, whole, whole, whole, whole)
digests = st.binary(min_size=32, max_size=32)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
facts = st.builds(
    Facts,
    format=texts,
    bits=st.integers(1, 64),
    camera=st.none() | texts,
    lens=st.none() | texts,
    taken=st.none() | texts,
    has_place=st.booleans(),
    orientation=st.integers(1, 8),
    quality=st.none() | st.integers(0, 100),
)


def looks():
    tensors = st.binary(min_size=3 * PX * PX, max_size=3 * PX * PX).map(
        lambda data: np.frombuffer(data, np.uint8).reshape(PX, PX, 3)
    )
    flat = st.integers(0, 255).map(lambda level: np.full((PX, PX, 3), level, np.uint8))
    return st.builds(appearance, tensors | flat, st.none() | tensors)


answers = st.one_of(
    st.builds(
        lambda key, digest, width, height, look, frames, known: Tensorized(
            FileState(JOB.path, key), digest, False, width, height, look, frames, known
        ),
        keys,
        digests,
        st.integers(1, 10_000),
        st.integers(1, 10_000),
        looks(),
        st.integers(1, 10**9),
        facts,
    ),
    keys.map(lambda key: Tensorized(FileState(JOB.path, key), b"k" * 32, known=True)),
    st.builds(
        lambda key, digest, reason: Unreadable(FileState(JOB.path, key), digest, reason),
        st.none() | keys,
        st.none() | digests,
        texts,
    ),
    texts.map(lambda reason: Postponed(JOB.path, reason)),
    st.booleans().map(lambda written: Unsettled(JOB.path, written)),
)


@given(answer=answers)
def test_every_answer_comes_through_as_it_is(answer):
    message = packed(answer)
    assert unpacked(message, JOB) == answer
    assert len(message) <= largest(JOB)


@given(key=keys, digest=digests, rest=st.binary(max_size=100), orientation=st.integers(0, 7))
def test_a_view_comes_through_where_one_was_asked_for_and_nowhere_else(key, digest, rest, orientation):
    shows = replace(JOB, view=View(20, orientation))
    assert job_unpacked(job_packed(shows)) == shows
    answer = Shown(FileState(JOB.path, key), digest, b"\xff\xd8" + rest)
    assert unpacked(packed(answer), shows) == answer
    with pytest.raises(WireError):
        unpacked(packed(answer), JOB)
    with pytest.raises(WireError):
        unpacked(packed(Tensorized(FileState(JOB.path, key), b"k" * 32, known=True)), shows)
    for jpeg in (b"GIF89a" + rest, b"\xff\xd8" + b"x" * 10_000):
        with pytest.raises(WireError):
            unpacked(packed(replace(answer, jpeg=jpeg)), shows)


@given(answer=answers, cut=st.integers(1, 40), more=st.binary(min_size=1, max_size=9))
def test_less_or_more_than_an_answer_is_none(answer, cut, more):
    message = packed(answer)
    for wrong in (message[: -min(cut, len(message))], message + more):
        with pytest.raises(WireError):
            unpacked(wrong, JOB)


@given(data=st.binary(max_size=400))
def test_any_bytes_are_an_answer_or_refused_and_nothing_else_happens(data):
    is_an_answer(data)


@given(answer=answers, changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_changed_answer_is_one_about_the_same_file_or_refused(answer, changes):
    message = bytearray(packed(answer))
    for place, value in changes:
        message[place % len(message)] = value
    is_an_answer(bytes(message))


def is_an_answer(data):
    try:
        answer = unpacked(data, JOB)
    except WireError:
        return
    assert answer.path == JOB.path
    if isinstance(answer, Tensorized) and answer.appearance is not None:
        assert len(answer.appearance.tensor) == 3 * PX * PX
        assert 1 <= answer.width * answer.height <= JOB.limits.max_pixels
        assert np.isfinite(np.frombuffer(answer.appearance.sketch, np.float32)).all()


def whole_answer():
    values = np.asarray(photo(1, PX, PX))
    return Tensorized(
        FileState(JOB.path, JOB.key), b"d" * 32, False, 60, 40, appearance(values, values[::-1]), 1, Facts("JPEG")
    )


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0},
        {"width": 10**5, "height": 10**4},
        {"width": -1, "height": -1},
        {"frames": 0},
        {"known": True},
        {"facts": Facts("JPEG", bits=0)},
        {"facts": Facts("JPEG", orientation=9)},
        {"facts": Facts("JPEG", quality=101)},
    ],
    ids=str,
)
def test_numbers_that_cannot_be_are_refused(change):
    assert unpacked(packed(whole_answer()), JOB) == whole_answer()
    with pytest.raises(WireError):
        unpacked(packed(replace(whole_answer(), **change)), JOB)


@pytest.mark.parametrize(
    "change",
    [
        {"tensor": b"t"},
        {"digest": b"d"},
        {"sketch": b""},
        {"sketch": struct.pack("<16f", *[float("nan")] * 16)},
        {"tone_sketch": struct.pack("<32f", float("inf"), *[0.0] * 31)},
        {"inside": b""},
        {"inside_sketch": b""},
        {"alike": b"a" * 32},
    ],
    ids=lambda change: f"{next(iter(change))}-{len(next(iter(change.values())))}",
)
def test_an_appearance_of_other_parts_is_refused(change):
    whole = whole_answer()
    with pytest.raises(WireError):
        unpacked(packed(replace(whole, appearance=replace(whole.appearance, **change))), JOB)


def test_a_message_comes_whole_however_it_is_written_and_half_of_one_holds_nobody_up():
    read, write = os.pipe()
    incoming = Incoming(read)
    sent = struct.pack("<I", 5) + b"hello" + struct.pack("<I", 0) + struct.pack("<I", 3) + b"you"
    got = []
    for place in range(len(sent)):
        os.write(write, sent[place : place + 1])
        got += incoming.messages(10)
    assert got == [b"hello", b"", b"you"]
    os.close(write)
    with pytest.raises(EOFError):
        list(incoming.messages(10))
    incoming.close()


def test_a_length_beyond_all_messages_is_noticed_at_once():
    read, write = os.pipe()
    incoming = Incoming(read)
    os.write(write, struct.pack("<I", 11))
    with pytest.raises(TooLongError):
        list(incoming.messages(10))
    incoming.close()
    os.close(write)


LIES = {
    "no answer": b"\x07",
    "not started": b"",
    "a pickle": b"\x80\x05cos\nsystem\n(S'true'\ntR.",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_worker_that_lies_is_ended_and_its_file_given_up_after_two_lies(lie, tmp_path):
    photo(1).save(tmp_path / "a.png")
    pool = WorkerPool(1)
    pool.submit(replace(JOB, path=os.fsencode(tmp_path / "a.png")))
    found = []
    for _ in range(2):
        worker = pool.workers[0]
        worker.process.kill()
        worker.process.wait()
        worker.answers.close()
        read, write = os.pipe()
        worker.answers = Incoming(read)
        send(write, STARTED)
        found += pool.collect(0)  # it gets the job
        worker.in_hand.begin(0)
        worker.in_hand.note(b"d" * 32)
        send(write, LIES[lie])
        found += pool.collect(0)
        os.close(write)
        assert worker is not pool.workers[0]
    pool.close()
    (answer,) = found
    assert isinstance(answer, Unreadable) and "ended the worker" in answer.reason


def test_an_answer_that_nobody_asked_for_ends_the_worker():
    pool = WorkerPool(1)
    worker = pool.workers[0]
    wait(pool.waitables())
    assert pool.collect(0) == [] and worker.started
    worker.answers.close()
    read, write = os.pipe()
    worker.answers = Incoming(read)
    send(write, packed(Unsettled(b"/p/other")))
    assert pool.collect(0) == []
    assert pool.workers[0] is not worker
    os.close(write)
    pool.close()


@given(
    path=st.binary(min_size=1),
    numbers=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=5, max_size=5),
    known=st.frozensets(st.binary(min_size=32, max_size=32), max_size=3),
    unshared=st.booleans(),
    recipe=st.sampled_from(["exact", "fast"]),
)
def test_a_job_arrives_as_it_was_sent(path, numbers, known, unshared, recipe):
    sent = TensorJob(path, FileKey(*numbers), 50, Limits(7, 9), known, unshared, recipe)
    assert job_unpacked(job_packed(sent)) == sent
