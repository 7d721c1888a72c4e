"""Views are made of the very file that was indexed, by workers; every wish ends, with a picture or with words."""

import contextlib
import io
import os
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from difwatch.clock import SystemClock
from difwatch.digest import digest_of
from difwatch.errors import IncompleteError
from difwatch.model.files import FileKey, FileState
from difwatch.model.jobs import Limits, Postponed, Shown, View, WorkerLimits
from difwatch.model.pictures import Image
from difwatch.review import views as module
from difwatch.review.views import CannotShowError, ChangedError, Views
from tests.support.photos import photo
from tests.support.running import until

SMALL = View(320)
SECONDS = 30.0


@contextlib.contextmanager
def running(processes=1, limits=None):
    views = Views(processes, limits or Limits(10**8, 10**8), WorkerLimits(), SystemClock())
    views.start()
    try:
        yield views
    finally:
        views.close()


@pytest.fixture(scope="module")
def views():
    with running() as made:
        yield made


def indexed(path):
    """A file as the store knows it."""
    stat, data = os.stat(path), path.read_bytes()
    return Image(os.fsencode(path), 1, digest_of(data), 60, 40, len(data), stat.st_mtime_ns, key=FileKey.of(stat))


def saved(path, seed=1, **options):
    path.parent.mkdir(exist_ok=True)
    photo(seed, 60, 40).save(path, **options)
    return indexed(path)


def pixels(jpeg):
    with Pillow.open(io.BytesIO(jpeg)) as shown:
        assert shown.format == "JPEG"
        return np.asarray(shown.convert("RGB")).astype(int)


def shows(jpeg, seed):
    expected = np.asarray(photo(seed, 60, 40)).astype(int)
    return pixels(jpeg).shape == expected.shape and np.abs(pixels(jpeg) - expected).mean() < 4


def workers():
    """The processes that this one has started to decode."""
    listed = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = [int(pid) for file in listed for pid in file.read_text().split()]
    return [pid for pid in pids if b"workers.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@contextlib.contextmanager
def stopped(views):
    """All workers stand still meanwhile."""
    views.make(saved(Path(os.environ["HOME"]) / "first.png", 99), SMALL)  # so that they have begun
    pids = workers()
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield pids
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def test_a_view_is_the_picture_at_the_size_and_turn_that_was_asked_for(views, tmp_path):
    image = saved(tmp_path / "a.png")
    assert shows(views.make(image, SMALL), 1)
    assert pixels(views.make(image, View(30))).shape == (20, 30, 3)
    turned = pixels(views.make(image, View(320, 1)))
    assert np.abs(turned - np.rot90(np.asarray(photo(1, 60, 40)).astype(int))).mean() < 4


def test_what_was_made_is_kept_by_contents_and_kind_of_view(views, tmp_path):
    image = saved(tmp_path / "a.png", 2)
    first, small = views.make(image, SMALL), views.make(image, View(30))
    os.remove(tmp_path / "a.png")
    assert views.make(image, SMALL) == first != small
    with pytest.raises(ChangedError):
        views.make(image, View(31))


def replaced_by_link(path, other):
    path.unlink()
    path.symlink_to(other)


def replaced_by_hard_link(path, other):
    path.unlink()
    os.link(other, path)


def replaced_by_fifo(path, _):
    path.unlink()
    os.mkfifo(path)


def replaced_by_directory(path, _):
    path.unlink()
    path.mkdir()


def replaced_by_device_link(path, _):
    path.unlink()
    path.symlink_to("/dev/zero")


def replaced_by_other(path, other):
    shutil.copyfile(other, path.with_name("new"))
    os.replace(path.with_name("new"), path)


def written_over(path, other):
    path.write_bytes(other.read_bytes())


def changed_by_a_byte(path, _):
    """Of the same size and the same time of its change."""
    stat, data = os.stat(path), bytearray(path.read_bytes())
    data[-13] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def removed(path, _):
    path.unlink()


def in_a_linked_folder(path, other):
    """The folder leads elsewhere now, where a file of this name lies."""
    shutil.copyfile(other, other.parent / path.name)
    path.parent.rename(path.parent.with_name("before"))
    path.parent.symlink_to(other.parent)


def in_the_same_folder_by_a_link(path, _):
    """The very file, but reached by a link."""
    path.parent.rename(path.parent.with_name("before"))
    path.parent.symlink_to(path.parent.with_name("before"))


CHANGES = [
    replaced_by_link, replaced_by_hard_link, replaced_by_fifo, replaced_by_directory, replaced_by_device_link,
    replaced_by_other, written_over, changed_by_a_byte, removed, in_a_linked_folder, in_the_same_folder_by_a_link,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_picture_that_is_not_what_was_indexed_is_not_shown_and_no_other_is(views, tmp_path, change):
    image = saved(tmp_path / "folder" / "a.png", 3)
    saved(tmp_path / "elsewhere" / "secret.png", 4)
    change(tmp_path / "folder" / "a.png", tmp_path / "elsewhere" / "secret.png")
    with pytest.raises(ChangedError):
        views.make(image, View(320, 2))


@pytest.mark.root
@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to make a device")
def test_a_device_in_the_place_of_a_picture_is_not_read(views, tmp_path):
    image = saved(tmp_path / "a.png", 5)
    (tmp_path / "a.png").unlink()
    os.mknod(tmp_path / "a.png", 0o020600, os.makedev(1, 5))
    with pytest.raises(ChangedError):
        views.make(image, SMALL)


def test_a_file_of_the_same_state_with_other_bytes_is_not_shown(views, tmp_path):
    image = saved(tmp_path / "a.png", 6)
    other = Image(image.path, 1, digest_of(b"what was indexed"), 60, 40, image.size, image.mtime_ns, key=image.key)
    with pytest.raises(ChangedError):
        views.make(other, SMALL)


def test_a_file_that_is_replaced_while_it_waits_is_shown_as_it_was_or_not_at_all(tmp_path):
    image = saved(tmp_path / "a.png", 7)
    saved(tmp_path / "secret.png", 8)
    with running() as views, ThreadPoolExecutor(1) as asking:
        with stopped(views):
            shown = asking.submit(views.make, image, View(320))
            until(lambda: any(os.fsdecode(image.path) in one for one in opened_files()), SECONDS)
            replaced_by_other(tmp_path / "a.png", tmp_path / "secret.png")
        error = shown.exception(SECONDS)
        assert isinstance(error, ChangedError) if error is not None else shows(shown.result(), 7)


def opened_files():
    out = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            out.append(os.readlink(f"/proc/self/fd/{number}"))
    return out


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff\xe0no picture", b"<svg onload=alert(1)>", b"%PDF-1.7", b"\0" * 999]
)
def test_what_cannot_be_decoded_is_said_in_words(views, tmp_path, data):
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(CannotShowError, match=r"\w+ \w+"):
        views.make(indexed(tmp_path / "a.jpg"), SMALL)


def test_a_picture_beyond_the_limits_is_not_decoded(tmp_path):
    image = saved(tmp_path / "a.png", 9)
    with running(limits=Limits(100, 10**8)) as views, pytest.raises(CannotShowError, match="more than the limit"):
        views.make(image, SMALL)


class BadPool:
    """Stands for the workers: gives one answer for each job, or ends by an error."""

    def __init__(self, answer):
        self._answer, self._jobs = answer, []

    def submit(self, job):
        self._jobs.append(job)

    def collect(self, _):
        jobs, self._jobs = self._jobs, []
        return [self._answer(job.path) for job in jobs]

    def waitables(self):
        return ()

    def close(self):
        pass


class HeldPool(BadPool):
    """Stands for workers that answer nothing until they are let go."""

    def __init__(self, answer, is_let_go):
        super().__init__(answer)
        self._is_let_go = is_let_go

    def collect(self, now):
        return super().collect(now) if self._is_let_go.is_set() else []


def test_of_more_than_64_wishes_the_oldest_are_dropped_with_words_and_the_newest_are_made(tmp_path, monkeypatch):
    images = [saved(tmp_path / f"{number:02d}.png", number) for number in range(80)]
    shown = {one.path: Shown(FileState(one.path, one.key), one.digest, one.digest) for one in images}
    is_let_go, at_work = threading.Event(), 2
    monkeypatch.setattr(module, "WorkerPool", lambda *_: HeldPool(shown.get, is_let_go))
    with running() as views, ThreadPoolExecutor(80) as asking:
        wishes = []
        for number, image in enumerate(images, start=1):
            wishes.append(asking.submit(views.make, image, SMALL))
            until(lambda known=number: len(views._wishes) >= min(known - at_work, 64), SECONDS)
        until(lambda: sum(wish.done() for wish in wishes) == 80 - 64 - at_work, SECONDS)
        is_let_go.set()
        wait(wishes, SECONDS)
    dropped = [number for number, wish in enumerate(wishes) if wish.exception(0) is not None]
    assert len(dropped) == 80 - 64 - at_work and max(dropped) < 80 - 64
    assert all(isinstance(wishes[number].exception(0), CannotShowError) for number in dropped)
    assert {str(wishes[number].exception(0)) for number in dropped} == {"others were wanted more; try again"}
    made = {number: wish.result(0) for number, wish in enumerate(wishes) if number not in dropped}
    assert made == {number: images[number].digest for number in made}


def test_a_wish_ends_though_its_worker_is_killed_again_and_again(tmp_path):
    image, other = saved(tmp_path / "a.png", 10), saved(tmp_path / "b.png", 11)
    with running() as views, ThreadPoolExecutor(1) as asking:
        with stopped(views) as pids:
            wish = asking.submit(views.make, image, SMALL)
            until(lambda: any(os.fsdecode(image.path) in one for one in opened_files()), SECONDS)
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        assert shows(wish.result(SECONDS), 10), "it is made by the next worker"
        assert shows(views.make(other, SMALL), 11)


def killed(path):
    return Postponed(path, "reading it was ended from outside, probably for want of memory")


def cannot_start(_):
    raise IncompleteError("worker processes end before they begin to work; install difwatch again")


@pytest.mark.parametrize(
    ("answer", "words"), [(killed, "for want of memory"), (cannot_start, "install difwatch again")]
)
def test_a_picture_that_no_worker_could_read_cannot_be_shown_but_has_not_changed(
    tmp_path, monkeypatch, answer, words
):
    monkeypatch.setattr(module, "WorkerPool", lambda *_: BadPool(answer))
    monkeypatch.setattr(module, "_SECONDS", 10.0)
    with running() as views:
        for seed in (12, 13):
            with pytest.raises(CannotShowError, match=words):
                views.make(saved(tmp_path / f"{seed}.png", seed), SMALL)


def test_at_the_end_every_wish_ends_and_no_worker_or_descriptor_is_left(tmp_path):
    images = [saved(tmp_path / f"{number}.png", number) for number in range(6)]
    before, workers_before = len(os.listdir("/proc/self/fd")), set(workers())
    with ThreadPoolExecutor(6) as asking:
        with running() as views, stopped(views):
            wishes = [asking.submit(views.make, image, SMALL) for image in images]
            until(lambda: len(views._wishes) == 4, SECONDS)
            views._ends = True
        ended = wait(wishes, SECONDS / 2)
        assert not ended.not_done, "nobody waits for a picture that nobody will make"
    assert set(workers()) <= workers_before
    until(lambda: len(os.listdir("/proc/self/fd")) <= before, SECONDS)
