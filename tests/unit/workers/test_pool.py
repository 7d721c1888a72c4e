"""Worker processes: each job is answered exactly once, whatever happens to the workers."""

import errno
import fcntl
import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from multiprocessing.connection import wait
from pathlib import Path

import pytest
from PIL import Image

from difwatch.errors import IncompleteError
from difwatch.model.files import FileKey, FileState
from difwatch.model.jobs import Limits, Postponed, Tensorized, TensorJob, Unreadable, Unsettled, WorkerLimits
from difwatch.workers.channel import Incoming
from difwatch.workers.in_hand import InHand
from difwatch.workers.pool import WorkerPool
from difwatch.workers.reading import tensorize
from difwatch.workers.wire import STARTED, job_packed, unpacked
from tests.support.photos import photo
from tests.support.pool import InlinePool

KEY = FileKey(1, 2, 3, 4, 5)


@pytest.fixture
def pictures(tmp_path):
    for number in range(40):
        photo(number, 80, 60).save(tmp_path / f"{number:02d}.png")
    return sorted(os.fsencode(path) for path in tmp_path.glob("*.png"))


def job(path, **options):
    return TensorJob(path, KEY, 50, Limits(10**8, 10**8), **options)


def hold(pool, digest=None):
    """Stop the only worker before its first word; the pool believes that it has begun, or decodes these bytes."""
    worker = pool.workers[0]
    os.kill(worker.process.pid, signal.SIGSTOP)
    worker.started = True
    if digest:
        worker.in_hand.begin(0)
        worker.in_hand.note(digest)
    return worker.process


def drain_stopped(pool, count):
    """As `drain`, while the only worker stands still whenever the pool hands out jobs: the next one is not begun."""
    answers = []
    while len(answers) < count:
        wait(pool.waitables(), timeout=5)
        process = pool.workers[0].process
        os.kill(process.pid, signal.SIGSTOP)
        answers += pool.collect(0)
        if len(answers) < count:
            os.kill(process.pid, signal.SIGCONT)
    return answers


def drain(pool, count, each_time=lambda: None):
    answers = pool.collect(0)
    while len(answers) < count:
        wait(pool.waitables(), timeout=5)
        answers += pool.collect(0)
        each_time()
    return answers


@pytest.fixture
def pool():
    made = WorkerPool(2, WorkerLimits(seconds=60))
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
    stopped = pool.workers[0].process.pid
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
            os.kill(dice.choice(pool.workers).process.pid, signal.SIGKILL)
            kills += 1

    for path in pictures * 10:
        pool.submit(job(path))
    answers = drain(pool, 400, kill)
    assert kills == 12
    assert len(answers) == 400
    assert pool.backlog() == 0
    paths = [one.path if isinstance(one, Unsettled) else one.state.path for one in answers]
    assert {path: paths.count(path) for path in pictures} == dict.fromkeys(pictures, 10)


DIGEST = bytes(range(32))


def end(pool, number, digest):
    """End the only worker of a pool, while it decodes these bytes, or before it has read any."""
    process = hold(pool, digest)
    assert pool.collect(0) == []
    os.kill(process.pid, number)
    os.kill(process.pid, signal.SIGCONT)
    process.wait()
    return pool.collect(0)


@pytest.mark.parametrize(
    ("number", "digest", "times"),
    [(signal.SIGSEGV, DIGEST, 2), (signal.SIGABRT, DIGEST, 2), (signal.SIGSEGV, None, 4)],
)
def test_a_file_is_given_up_after_two_crashes_on_its_bytes_or_four_that_say_less(pictures, number, digest, times):
    pool = WorkerPool(1)
    for path in pictures[:3]:
        pool.submit(job(path))
    answers = [answer for _ in range(times) for answer in end(pool, number, digest)]
    answers += drain(pool, 2)
    pool.close()
    assert [type(one) for one in answers] == [Unreadable, Tensorized, Tensorized]
    assert answers[0].state == FileState(pictures[0], KEY), "the verdict is about the state that was decided about"
    assert answers[0].digest == digest
    assert answers[0].reason == "decoding it ended the worker that decoded it, again and again"


@pytest.mark.parametrize("digest", [DIGEST, None])
def test_a_file_whose_worker_is_ended_from_outside_is_read_alone_and_then_later(pictures, digest):
    pool = WorkerPool(1)
    for path in pictures[:3]:
        pool.submit(job(path))
    answers = end(pool, signal.SIGKILL, digest)
    answers += drain_stopped(pool, 2)
    assert {type(one) for one in answers} == {Tensorized}
    assert {one.path for one in answers} == set(pictures[1:3]), "the others are read first"
    assert pool.backlog() == 1
    for _ in range(2):
        answers = end(pool, signal.SIGKILL, digest)
    pool.close()
    assert [type(one) for one in answers] == [Postponed], "no verdict about the file"
    assert "probably for want of memory" in answers[0].reason


def test_a_file_that_ends_its_worker_while_it_is_read_alone_holds_nobody_up(pictures):
    pool = WorkerPool(1)
    for path in pictures[:3]:
        pool.submit(job(path))
    answers = end(pool, signal.SIGKILL, DIGEST)
    answers += drain_stopped(pool, 2)
    answers += end(pool, signal.SIGSEGV, DIGEST)
    for path in pictures[3:5]:
        pool.submit(job(path))
    answers += drain(pool, 3)
    pool.close()
    assert {type(one) for one in answers} == {Tensorized}
    assert {one.path for one in answers} == set(pictures[:5])


class Worker:
    """A worker of its own, with its socket and pipe, that this test talks to."""

    def __init__(self, before="", memory=4 << 30, seconds=300, apart=False):
        self.jobs, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        job_read = theirs.detach()
        answer_read, answer_write = os.pipe()
        page = os.memfd_create("page")
        os.ftruncate(page, InHand.BYTES)
        self.in_hand = InHand(page)
        code = f"import sys; sys.path[:] = {sys.path!r}\n{before}\nfrom difwatch.workers.worker import serve\n"
        code += f"serve({job_read}, {answer_write}, {page}, {memory}, {seconds}, {os.getpid()}, {apart})"
        code = f"JOBS, ANSWERS = {job_read}, {answer_write}\n{code}"
        self.process = subprocess.Popen([sys.executable, "-c", code], pass_fds=[job_read, answer_write, page])
        for one in (job_read, answer_write, page):
            os.close(one)
        self.answers = Incoming(answer_read)
        self._asked: list[TensorJob] = []
        self._said: list[bytes] = []
        assert self._message() == STARTED

    def ask(self, one):
        with open(one.path, "rb") as file:
            socket.send_fds(self.jobs, [job_packed(one)], [file.fileno()])
        self._asked.append(one)

    def answer(self):
        return unpacked(self._message(), self._asked.pop(0))

    def _message(self):
        while not self._said:
            wait([self.answers])
            self._said += self.answers.messages(1 << 20)
        return self._said.pop(0)

    def end(self):
        self.jobs.close()
        self.answers.close()
        return self.process.wait()


# The decoders are loaded with the real function, which is replaced before the first job.
PATCHED = "import difwatch.imaging.loading, difwatch.imaging.recipe as recipe\n"


def test_the_digest_of_what_is_decoded_is_known_when_that_ends_the_worker(pictures):
    before = PATCHED + "import ctypes\nrecipe.make = lambda *_: ctypes.string_at(0)"
    worker = Worker(before)
    worker.ask(job(pictures[0]))
    with pytest.raises(EOFError):
        worker.answer()
    assert worker.end() == -signal.SIGSEGV
    with open(pictures[0], "rb") as file:
        digest = hashlib.blake2b(file.read(), digest_size=32).digest()
    assert worker.in_hand.digest_of(0) == digest
    assert worker.in_hand.digest_of(1) is None, "it is not that of another job"


def test_a_worker_that_takes_too_much_memory_says_so_and_goes_on(pictures):
    before = PATCHED + "real = recipe.make\n"
    before += "recipe.make = lambda data, *more: bytearray(3 << 30) if b'IHDR' in data[:64] else real(data, *more)"
    worker = Worker(before, memory=1 << 30)
    with Image.open(os.fsdecode(pictures[0])) as image:
        image.save(os.fsdecode(pictures[0]) + ".jpg")
    worker.ask(job(pictures[0]))
    worker.ask(job(pictures[0] + b".jpg"))
    assert "more memory than a worker may use" in worker.answer().reason
    assert isinstance(worker.answer(), Tensorized)
    worker.end()


def test_a_worker_that_computes_too_long_is_ended_by_the_system(pictures):
    before = PATCHED + "def decode(*_):\n    while True: pass\nrecipe.make = decode"
    worker = Worker(before, seconds=0.2)
    worker.ask(job(pictures[0]))
    with pytest.raises(EOFError):
        worker.answer()
    assert worker.end() == -signal.SIGXCPU


def test_a_worker_ends_with_its_parent_also_in_the_middle_of_a_picture(tmp_path):
    photo(1).save(tmp_path / "a.png")
    code = (
        "import os, sys, time\n"
        "from difwatch.model.files import FileKey\n"
        "from difwatch.model.jobs import Limits, TensorJob\n"
        "from difwatch.workers.pool import WorkerPool\n"
        "pool = WorkerPool(1)\n"
        f"job = TensorJob({os.fsencode(tmp_path / 'a.png')!r}, FileKey(1, 1, 1, 1, 1), 50, Limits(10**9, 10**9))\n"
        "pool.submit(job)\n"
        "while not pool.workers[0].started: pool.collect(0)\n"
        "worker = pool.workers[0].process.pid\n"
        "os.kill(worker, 19)\n"  # stopped: it cannot notice that its pipes end
        "print(worker, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False)
    pid = int(done.stdout)
    waiting = threading.Event()
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            break
        if state == "Z":
            break
        waiting.wait(0.02)
    else:
        os.kill(pid, signal.SIGKILL)
        raise AssertionError("the worker outlived its parent")


def test_workers_are_replaced_after_many_jobs_and_every_job_is_answered_once(pictures, monkeypatch):
    monkeypatch.setattr("difwatch.workers.process._JOBS_MOST", 7)
    pool = WorkerPool(2)
    first = {worker.process.pid for worker in pool.workers}
    for number in range(60):
        pool.submit(job(pictures[number % len(pictures)]))
    answers = drain(pool, 60)
    assert len(answers) == 60
    assert {type(one) for one in answers} == {Tensorized}
    assert not first & {worker.process.pid for worker in pool.workers}
    pool.close()


@pytest.mark.parametrize(("digest", "times"), [(DIGEST, 2), (None, 4)])
def test_a_file_that_takes_too_long_is_given_up_and_the_others_are_not(pictures, digest, times):
    pool = WorkerPool(1, WorkerLimits(seconds=10))
    for path in pictures[:2]:
        pool.submit(job(path))
    pool.collect(0)
    for start in range(0, 11 * times, 11):
        hold(pool, digest)
        assert pool.collect(start + 10) == []
        answers = pool.collect(start + 11)
    answers += drain(pool, 1)
    pool.close()
    assert [type(one) for one in answers] == [Unreadable, Tensorized]
    assert "took too long" in answers[0].reason


def test_closing_ends_the_workers_and_leaves_nothing(pictures):
    before = set(os.listdir("/proc/self/fd"))
    pool = WorkerPool(2)
    workers = [worker.process for worker in pool.workers]
    for path in pictures:
        pool.submit(job(path))
    pool.collect(0)
    pool.close()
    assert all(process.returncode is not None for process in workers)
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_worker_loads_neither_database_nor_watcher_nor_search_tree():
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; import difwatch.workers.worker;"
        "print(sorted({'scipy', 'sqlalchemy', 'watchdog', 'pydantic', 'alembic', 'click'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_known_digest_is_not_decoded_again(pictures):
    first = tensorize(job(pictures[0]))
    again = tensorize(job(pictures[0], known_digests=frozenset({first.digest})))
    assert (again.known, again.appearance, again.digest) == (True, None, first.digest)


def test_special_files_get_a_verdict_and_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "fifo.jpg")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("hello")
    answers = {path.name: tensorize(job(os.fsencode(path))) for path in tmp_path.iterdir()}
    assert answers["fifo.jpg"].reason == "this is a FIFO, not a file"
    assert isinstance(answers["folder.jpg"], Unsettled)
    assert isinstance(answers["link.jpg"], Unsettled)
    assert answers["empty.jpg"].reason == "the file is empty"
    assert "not those of any image format" in answers["text.jpg"].reason
    assert isinstance(tensorize(job(os.fsencode(tmp_path / "nowhere.jpg"))), Unsettled)


def test_a_file_larger_than_the_limit_is_not_read(tmp_path):
    path = os.fsencode(tmp_path / "a.jpg")
    with open(path, "wb") as file:
        file.truncate(101)
    assert "more than the limit of 100" in tensorize(TensorJob(path, KEY, 50, Limits(10**6, 100))).reason


def test_a_file_that_changes_while_it_is_read_is_looked_at_again(pictures, monkeypatch):
    read = os.pread

    def and_touch(descriptor, size, offset):
        os.utime(pictures[0], ns=(1, 1))
        return read(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", and_touch)
    assert isinstance(tensorize(job(pictures[0])), Unsettled)


@pytest.mark.parametrize("digests", [0, 60, 2000])
def test_jobs_of_any_size_and_large_answers_do_not_block_each_other(pictures, digests):
    pool = WorkerPool(1)
    known = frozenset(bytes([number % 256, number // 256]) * 16 for number in range(digests))
    for path in pictures * 3:
        pool.submit(TensorJob(path, KEY, 200, Limits(10**8, 10**8), known))
    assert len(drain(pool, 120)) == 120
    pool.close()


def test_workers_that_cannot_start_blame_no_file_and_are_an_error_soon(pictures, monkeypatch):
    monkeypatch.setattr("difwatch.workers.process.sys.executable", "/bin/false")
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

    monkeypatch.setattr("difwatch.workers.process.fcntl.fcntl", refuse)
    pool = WorkerPool(2)
    for path in pictures:
        pool.submit(job(path))
    assert len(drain(pool, 40)) == 40
    pool.close()


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EMFILE])
def test_a_fault_of_the_disk_that_may_pass_is_no_verdict_about_the_file(pictures, monkeypatch, number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "pread", fail)
    assert isinstance(tensorize(job(pictures[0])), Postponed)


def test_a_file_that_gives_another_number_of_bytes_than_it_says_is_unreadable(pictures, monkeypatch):
    monkeypatch.setattr(os, "pread", lambda *_: b"")
    assert "does not" in tensorize(job(pictures[0])).reason


def test_times_beyond_what_the_store_can_hold_are_clamped(tmp_path):
    class Stat:
        st_size, st_dev, st_ino = 5, 2**64 - 1, 2**63
        st_mtime_ns, st_ctime_ns = 10**19, -(10**19)

    assert FileKey.of(Stat) == FileKey(5, 2**63 - 1, -(2**63), -1, -(2**63))


def test_a_picture_that_took_over_its_process_reaches_neither_the_next_job_nor_the_pipe_of_the_answers(pictures):
    before = PATCHED + (
        "import os\n"
        "from difwatch.imaging.decode import DecodeError\n"
        "def make(*_):\n"
        "    open_still = []\n"
        "    for number in (JOBS, ANSWERS):\n"
        "        try: os.fstat(number)\n"
        "        except OSError: pass\n"
        "        else: open_still.append(number)\n"
        "    raise DecodeError(f'open: {open_still}')\n"
        "recipe.make = make"
    )
    worker = Worker(before, apart=True)
    worker.ask(job(pictures[0]))
    worker.ask(job(pictures[1]))
    assert [worker.answer().reason for _ in range(2)] == ["open: []"] * 2
    worker.end()


def test_a_process_that_says_more_than_one_answer_is_ended_and_its_words_are_dropped(pictures):
    before = PATCHED + (
        "import difwatch.workers.worker as worker\n"
        "from difwatch.workers.channel import send\n"
        "real = worker._answer\n"
        "worker._answer = lambda m, f, said, i, s: (real(m, f, said, i, s), send(said, b'more'))"
    )
    worker = Worker(before, apart=True)
    worker.ask(job(pictures[0]))
    with pytest.raises(EOFError):
        worker.answer()
    assert worker.end() == 1
