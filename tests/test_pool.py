"""Worker processes: each job is answered exactly once, whatever happens to the workers."""

import errno
import fcntl
import os
import random
import signal
import subprocess
import sys
from multiprocessing.connection import wait

import pytest
from conftest import photo
from inline import InlinePool

from difwatch.errors import IncompleteError
from difwatch.model import FileKey, FileState, Postponed, Tensorized, TensorJob, Unreadable, Vanished
from difwatch.pipeline.pool import WorkerPool
from difwatch.pipeline.worker import tensorize

KEY = FileKey(1, 2, 3, 4, 5)


@pytest.fixture
def pictures(tmp_path):
    for number in range(40):
        photo(number, 80, 60).save(tmp_path / f"{number:02d}.png")
    return sorted(os.fsencode(path) for path in tmp_path.glob("*.png"))


def job(path, **options):
    return TensorJob(path, KEY, 50, 10**8, 10**8, **options)


def hold(pool):
    """Stop the only worker before its first word, and let the pool believe that it has begun."""
    worker = pool._workers[0]
    os.kill(worker.process.pid, signal.SIGSTOP)
    worker.started = True
    return worker.process


def drain(pool, count, each_time=lambda: None):
    answers = pool.collect(0)
    while len(answers) < count:
        wait(pool.waitables(), timeout=5)
        answers += pool.collect(0)
        each_time()
    return answers


@pytest.fixture
def pool():
    made = WorkerPool(2, time_limit=60)
    yield made
    made.close()


def test_workers_give_what_one_process_gives(pool, pictures):
    inline = InlinePool()
    for path in pictures:
        pool.submit(job(path))
        inline.submit(job(path))
    expected = [answer for _ in pictures for answer in inline.collect(0)]
    assert sorted(drain(pool, 40), key=lambda one: one.state.path) == expected
    assert pool.backlog() == inline.backlog() == 0


def test_while_one_worker_stands_still_the_other_works(pool, pictures):
    stopped = pool._workers[0].process.pid
    os.kill(stopped, signal.SIGSTOP)
    for path in pictures[:20]:
        pool.submit(job(path))
    held = 4  # as many as wait at a worker that has not answered yet
    answered = {one.state.path for one in drain(pool, 20 - held)}
    os.kill(stopped, signal.SIGCONT)
    answered |= {one.state.path for one in drain(pool, held)}
    assert answered == set(pictures[:20])


def test_every_job_is_answered_once_under_random_kills(pool, pictures):
    dice, kills = random.Random(4), 0

    def kill():
        nonlocal kills
        if kills < 12 and dice.random() < 0.3:
            os.kill(dice.choice(pool._workers).process.pid, signal.SIGKILL)
            kills += 1

    for path in pictures * 10:
        pool.submit(job(path))
    answers = drain(pool, 400, kill)
    assert kills == 12
    assert len(answers) == 400
    assert pool.backlog() == 0
    paths = [one.path if isinstance(one, Vanished) else one.state.path for one in answers]
    assert {path: paths.count(path) for path in pictures} == dict.fromkeys(pictures, 10)


def test_a_file_that_ends_two_workers_is_given_up_with_the_reason(pictures):
    pool = WorkerPool(1)
    for path in pictures[:3]:
        pool.submit(job(path))
    for _ in range(2):
        process = hold(pool)
        assert pool.collect(0) == []
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        answers = pool.collect(0)
    answers += drain(pool, 2)
    pool.close()
    assert [type(one) for one in answers] == [Unreadable, Tensorized, Tensorized]
    assert answers[0].state == FileState(pictures[0], KEY), "the verdict is about the state that was decided about"
    assert answers[0].reason == "decoding it ended the worker that decoded it, 2 times"


def test_a_file_that_takes_too_long_is_given_up_and_the_others_are_not(pictures):
    pool = WorkerPool(1, time_limit=10)
    for path in pictures[:2]:
        pool.submit(job(path))
    pool.collect(0)
    for start in (0, 11):
        hold(pool)
        assert pool.collect(start + 10) == []
        answers = pool.collect(start + 11)
    answers += drain(pool, 1)
    pool.close()
    assert [type(one) for one in answers] == [Unreadable, Tensorized]
    assert "took too long" in answers[0].reason


def test_closing_ends_the_workers_and_leaves_nothing(pictures):
    before = set(os.listdir("/proc/self/fd"))
    pool = WorkerPool(2)
    workers = [worker.process for worker in pool._workers]
    for path in pictures:
        pool.submit(job(path))
    pool.collect(0)
    pool.close()
    assert all(process.returncode is not None for process in workers)
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_worker_loads_neither_database_nor_watcher_nor_search_tree():
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; import difwatch.pipeline.worker;"
        "print(sorted({'scipy', 'sqlalchemy', 'watchdog', 'pydantic', 'alembic', 'click'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_known_digest_is_not_decoded_again(pictures):
    first = tensorize(job(pictures[0]))
    again = tensorize(job(pictures[0], known_digests=frozenset({first.digest})))
    assert (again.known, again.tensor, again.digest) == (True, b"", first.digest)


def test_special_files_get_a_verdict_and_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "fifo.jpg")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("hello")
    answers = {path.name: tensorize(job(os.fsencode(path))) for path in tmp_path.iterdir()}
    assert answers["fifo.jpg"].reason == "this is a FIFO, not a file"
    assert isinstance(answers["folder.jpg"], Vanished)
    assert isinstance(answers["link.jpg"], Vanished)
    assert answers["empty.jpg"].reason == "the file is empty"
    assert "not those of any image format" in answers["text.jpg"].reason
    assert isinstance(tensorize(job(os.fsencode(tmp_path / "nowhere.jpg"))), Vanished)


def test_a_file_larger_than_the_limit_is_not_read(tmp_path):
    path = os.fsencode(tmp_path / "a.jpg")
    with open(path, "wb") as file:
        file.truncate(101)
    assert "more than the limit of 100" in tensorize(TensorJob(path, KEY, 50, 10**6, 100)).reason


def test_a_file_that_changes_while_it_is_read_is_looked_at_again(pictures, monkeypatch):
    read = os.read

    def and_touch(descriptor, size):
        os.utime(pictures[0], ns=(1, 1))
        return read(descriptor, size)

    monkeypatch.setattr(os, "read", and_touch)
    assert isinstance(tensorize(job(pictures[0])), Vanished)


def test_large_jobs_and_large_answers_do_not_block_each_other(pictures):
    pool = WorkerPool(1)
    digests = frozenset(bytes([number % 256, number // 256]) * 16 for number in range(4096))
    for path in pictures:  # 150 kB each way, far more than a socket holds
        pool.submit(TensorJob(path, KEY, 220, 10**8, 10**8, digests))
    assert len(drain(pool, 40)) == 40
    pool.close()


@pytest.mark.parametrize("digests", [0, 60, 400])
def test_jobs_of_any_size_and_large_answers_do_not_block_each_other(pictures, digests):
    pool = WorkerPool(1)
    known = frozenset(bytes([number % 256, number // 256]) * 16 for number in range(digests))
    for path in pictures * 3:
        pool.submit(TensorJob(path, KEY, 200, 10**8, 10**8, known))
    assert len(drain(pool, 120)) == 120
    pool.close()


def test_workers_that_cannot_start_blame_no_file_and_are_an_error_soon(pictures, monkeypatch):
    monkeypatch.setattr("difwatch.pipeline.pool.sys.executable", "/bin/false")
    pool = WorkerPool(1)
    pool.submit(job(pictures[0]))
    with pytest.raises(IncompleteError, match="end before they begin"):
        drain(pool, 1)
    pool.close()


def test_where_pipes_cannot_be_enlarged_the_work_is_done_all_the_same(pictures, monkeypatch):
    def refuse(descriptor, command, *_):
        if command == fcntl.F_SETPIPE_SZ:
            raise PermissionError
        return 4096

    monkeypatch.setattr("difwatch.pipeline.pool.fcntl.fcntl", refuse)
    pool = WorkerPool(2)
    for path in pictures:
        pool.submit(job(path))
    assert len(drain(pool, 40)) == 40
    pool.close()


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE])
def test_a_fault_of_the_disk_that_may_pass_is_no_verdict_about_the_file(pictures, monkeypatch, number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "read", fail)
    assert isinstance(tensorize(job(pictures[0])), Postponed)


def test_a_file_that_gives_another_number_of_bytes_than_it_says_is_unreadable(pictures, monkeypatch):
    monkeypatch.setattr(os, "read", lambda *_: b"")
    assert "does not" in tensorize(job(pictures[0])).reason


def test_times_beyond_what_the_store_can_hold_are_clamped(tmp_path):
    class Stat:
        st_size, st_dev, st_ino = 5, 2**64 - 1, 2**63
        st_mtime_ns, st_ctime_ns = 10**19, -(10**19)

    assert FileKey.of(Stat) == FileKey(5, 2**63 - 1, -(2**63), -1, -(2**63))
