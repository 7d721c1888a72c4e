"""Decoding ahead: each file once, and what one says of itself is never taken for another."""

import collections
import os
import typing

import numpy as np
import pytest

from difwatch.digest import digest_of
from difwatch.model.files import FileKey, FileState
from difwatch.model.jobs import Postponed, Tensorized, Unreadable, WorkerLimits
from difwatch.workers import decoder as module
from difwatch.workers.appearance import appearance
from difwatch.workers.decoder import Decoding, WorkerDecoder
from tests.support.clock import StandingClock
from tests.support.photos import photo


class Pool:
    """Answers like worker processes, last job first, with what the test says of a path."""

    says: typing.ClassVar = {}

    def __init__(self, processes, limits):
        self.jobs, self.opened = [], collections.Counter()

    def submit(self, job):
        self.jobs.append(job)

    def collect(self, now):
        if not self.jobs:
            return []
        job = self.jobs.pop()
        self.opened[job.path] += 1
        said = self.says.get(job.path)
        if said is not None:
            return [said(job)]
        data = os.pread(job.descriptor, 100, 0)
        look = appearance(np.full((50, 50, 3), data[0], np.uint8), None)
        return [Tensorized(FileState(job.path, FileKey(1, 1, 1, 1, 1)), digest_of(data), False, 9, 9, look)]

    def waitables(self):
        return []

    def close(self):
        pass


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WorkerPool", Pool)
    monkeypatch.setattr(Pool, "says", {})
    for number in range(20):
        (tmp_path / f"{number:02d}").write_bytes(bytes([number]) * 5)
    return [os.fsencode(path) for path in sorted(tmp_path.iterdir())]


def looked(decoder, path):
    """The first value of the tensor of a file, or the answer that came instead."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with open(path, "rb") as file:
            found = decoder.appearance(path, descriptor, digest_of(file.read()))
    finally:
        os.close(descriptor)
    return int(found.tensor[0]) if hasattr(found, "tensor") else found


def test_expected_files_are_decoded_once_each_in_any_order(files):
    decoder = WorkerDecoder(Decoding(50, processes=2), StandingClock())
    decoder.expect(files)
    assert [looked(decoder, path) for path in files] == list(range(20))
    assert looked(decoder, files[19]) == 19, "it is still known"
    assert set(decoder._pool.opened.values()) == {1}


def test_files_that_nobody_expected_are_decoded_when_they_are_asked_for(files):
    decoder = WorkerDecoder(Decoding(50), StandingClock())
    decoder.expect(files[:3])
    assert [looked(decoder, files[number]) for number in (7, 0, 12, 2, 1)] == [7, 0, 12, 2, 1]


def test_a_file_that_changed_after_it_was_decoded_ahead_is_decoded_again(files, tmp_path):
    decoder = WorkerDecoder(Decoding(50, processes=2), StandingClock())
    decoder.expect(files)
    assert looked(decoder, files[0]) == 0
    (tmp_path / "03").write_bytes(b"\x63 another picture")
    assert [looked(decoder, path) for path in files[1:5]] == [1, 2, 0x63, 4]


def test_a_picture_that_makes_its_process_speak_for_another_one_is_not_believed(files):
    def lies(job):
        look = appearance(np.full((50, 50, 3), 200, np.uint8), None)
        with open(files[1], "rb") as file:
            return Tensorized(FileState(job.path, FileKey(1, 1, 1, 1, 1)), digest_of(file.read()), False, 9, 9, look)

    Pool.says[files[0]] = lies
    decoder = WorkerDecoder(Decoding(50, processes=2), StandingClock())
    decoder.expect(files)
    assert isinstance(looked(decoder, files[0]), Tensorized), "these are not its bytes: no appearance"
    assert looked(decoder, files[1]) == 1


def test_a_picture_that_lay_in_the_place_of_another_one_for_a_while_does_not_speak_for_it(files, tmp_path):
    """It was opened ahead, and says that it has the bytes of the picture that is back before the act."""
    with open(files[1], "rb") as file:
        digest = digest_of(file.read())
    look = appearance(np.full((50, 50, 3), 200, np.uint8), None)

    def lies(job):
        return Tensorized(FileState(job.path, FileKey(1, 1, 1, 1, 1)), digest, False, 9, 9, look)

    (tmp_path / "aside").mkdir()
    os.rename(files[1], tmp_path / "aside/picture")
    (tmp_path / "01").write_bytes(b"hostile")
    Pool.says[files[1]] = lies
    decoder = WorkerDecoder(Decoding(50, processes=2), StandingClock())
    decoder.expect(files)
    assert looked(decoder, files[0]) == 0
    del Pool.says[files[1]]
    os.rename(tmp_path / "aside/picture", files[1])
    assert looked(decoder, files[1]) == 1


def test_no_file_stays_open(files):
    before = len(os.listdir("/proc/self/fd"))
    decoder = WorkerDecoder(Decoding(50, processes=2), StandingClock())
    decoder.expect(files)
    looked(decoder, files[0])
    decoder.close()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("kind", [Unreadable, Postponed])
def test_what_cannot_be_decoded_is_answered_with_the_reason(files, kind):
    def refuses(job):
        state = FileState(job.path, None)
        return Unreadable(state, None, "broken") if kind is Unreadable else Postponed(job.path, "broken")

    Pool.says[files[1]] = refuses
    decoder = WorkerDecoder(Decoding(50), StandingClock())
    decoder.expect(files)
    assert looked(decoder, files[0]) == 0
    assert looked(decoder, files[1]).reason == "broken"
    assert looked(decoder, files[2]) == 2


def test_real_processes_decode_ahead_apart_from_each_other(tmp_path):
    for number in range(6):
        photo(number).save(tmp_path / f"{number}.png")
    paths = [os.fsencode(path) for path in sorted(tmp_path.iterdir())]
    plain = WorkerDecoder(Decoding(50), StandingClock())
    ahead = WorkerDecoder(Decoding(50, processes=2, worker=WorkerLimits(apart=True)), StandingClock())
    ahead.expect(paths)
    try:
        assert [looked(ahead, path) for path in paths] == [looked(plain, path) for path in paths]
    finally:
        ahead.close()
        plain.close()
