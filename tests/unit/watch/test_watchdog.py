"""What is relied on and worked around in the installed watchdog, and that our observer tells what that one swallows.

When an update of watchdog makes one of the first tests fail, read ``difwatch/watch/reader.py`` and ``observer.py``
against it; where a fault is mended, the work-around can go.
"""

import dataclasses
import inspect
import os
import queue
import shutil
import subprocess
import sys
import threading
import time

import pytest
from watchdog.events import FileCreatedEvent, FileDeletedEvent, FileOpenedEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify import InotifyEmitter, InotifyObserver, InotifyWatchGroup
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, InotifyFD

from difwatch.model.health import Loss
from difwatch.watch.canary import Canary
from difwatch.watch.inbox import Inbox
from difwatch.watch.observer import RootObserver
from difwatch.watch.reader import LoudObserver, Reader

LIMIT = 20
IN_NAMESPACE = [
    "unshare", "--user", "--map-root-user",
    "sh", "-c", f'echo {LIMIT} > /proc/sys/user/max_inotify_watches && exec "$@"', "sh",
]  # fmt: skip


def _why_no_namespace():
    if shutil.which("unshare") is None:
        return "unshare is not installed"
    done = subprocess.run([*IN_NAMESPACE, "true"], capture_output=True, text=True, check=False)
    return f"no user namespace may be made here ({done.stderr.strip()})" if done.returncode else None


with_limit = pytest.mark.skipif(bool(why := _why_no_namespace()), reason=str(why))


class Heard(FileSystemEventHandler):
    def __init__(self):
        self.events = []

    def on_any_event(self, event):
        self.events.append((type(event).__name__, event.src_path))


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def plain():
    observer = Observer()
    observer.start()
    yield observer
    observer.stop()
    observer.join()


@pytest.fixture
def deaths(monkeypatch):
    """The exceptions that threads ended by."""
    found = []
    monkeypatch.setattr(threading, "excepthook", lambda args: found.append(args.exc_type))
    return found


class Alarm:
    """Notes that it was raised."""

    def __init__(self):
        self.raised = threading.Event()

    def doubt(self):
        self.raised.set()


@pytest.fixture
def canary(tmp_path):
    return Canary(tmp_path / "state" / "canary")


@pytest.fixture
def alarm():
    return Alarm()


@pytest.fixture
def loud(tmp_path, canary, alarm):
    """Our observer of the folder Pictures, beside the canary's."""
    (tmp_path / "Pictures").mkdir()
    inbox = Inbox()
    observer = RootObserver(os.fsencode(tmp_path / "Pictures"), True, inbox, canary, alarm)
    yield observer
    observer.stop()
    inbox.close()


def until(condition):
    """Wait for what another thread does; the test's own time limit ends a wait in vain."""
    while not condition():
        time.sleep(0.005)


_READ_AT_ONCE = 8192  # more than a reader may have taken out before it waits


def overflow(folder):
    """Make more events than the kernel's queue holds, two files in turn, because equal ones in a row are one.

    Returns how many it holds.
    """
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
        places = int(file.read())
    for name in ("a", "b"):
        (folder / name).touch()
    for _ in range(places // 2 + _READ_AT_ONCE):
        os.utime(folder / "a")
        os.utime(folder / "b")
    return places


def kill_reader(folder, reader, deaths):
    """An album goes to the waste basket, is made again, goes there too; the basket is emptied."""
    album, basket = folder / "album", folder.parent / "Trash"
    basket.mkdir()
    for name in ("1", "2"):
        before = len(reader._watch_for_wd)
        album.mkdir()
        until(lambda before=before: len(reader._watch_for_wd) > before)
        album.rename(basket / name)
    (basket / "2").rmdir()
    until(lambda: len(reader._watch_for_wd) == before)
    (basket / "1").rmdir()
    reader.join()
    assert deaths == [KeyError]


def test_what_is_overridden_and_read_is_there():
    emitter = inspect.signature(InotifyEmitter.__init__).parameters
    assert emitter["inotify_fd"].kind is inspect.Parameter.KEYWORD_ONLY
    kinds = [one.kind for one in inspect.signature(BaseObserver.__init__).parameters.values()]
    assert inspect.Parameter.VAR_KEYWORD in kinds, "what an emitter is made with goes through the observer"
    assert list(inspect.signature(InotifyFD._get_or_create_watch).parameters) == ["self", "path", "mask"]
    assert list(inspect.signature(InotifyFD.handle_event).parameters) == ["self", "event"]
    assert {"run", "close", "stop", "join"} <= set(dir(InotifyFD))
    assert "on_thread_stop" in vars(InotifyEmitter) and "on_thread_stop" in vars(BaseObserver)
    assert "_active_callbacks_by_watch" in {one.name for one in dataclasses.fields(InotifyWatchGroup)}
    assert {"wd", "mask"} <= {one.name for one in dataclasses.fields(InotifyEvent)}
    reader = InotifyFD()
    reader.start()
    assert isinstance(reader._inotify_fd, int) and reader._watch_for_wd == {} and reader._lock.acquire(timeout=1)
    reader._lock.release()
    reader.stop()
    reader.join()


def test_the_observer_of_this_system_has_a_reader_of_its_own_in_its_emitters(plain, heard, tmp_path):
    assert isinstance(plain, InotifyObserver)
    plain.schedule(heard, str(tmp_path))
    (emitter,) = plain.emitters
    assert emitter._inotify_fd is plain._inotify_fd
    assert list(emitter._inotify._active_callbacks_by_watch.values()) == [os.fsencode(tmp_path)]


def test_the_reader_dies_silently_when_an_album_goes_to_the_waste_basket_twice(plain, heard, tmp_path, deaths):
    folder = tmp_path / "Pictures"
    folder.mkdir()
    plain.schedule(heard, str(folder), recursive=True)
    kill_reader(folder, plain._inotify_fd, deaths)
    assert plain.is_alive() and all(one.is_alive() for one in plain.emitters)


@with_limit
def test_a_watch_below_the_root_that_is_refused_is_swallowed(tmp_path):
    for number in range(LIMIT + 10):
        (tmp_path / f"d{number}").mkdir()
    script = """
import sys, watchdog.observers
from watchdog.events import FileSystemEventHandler
observer = watchdog.observers.Observer()
observer.schedule(FileSystemEventHandler(), sys.argv[1], recursive=True)
observer.start()
print(len(observer._inotify_fd._watch_for_wd), observer._inotify_fd.is_alive())
observer.stop()
"""
    assert _limited(script, tmp_path) == f"{LIMIT} True\n"


def test_an_overflow_comes_as_an_event_of_its_own(tmp_path):
    reader = InotifyFD()
    reader._get_or_create_watch(os.fsencode(tmp_path), InotifyConstants.IN_ATTRIB)
    places = overflow(tmp_path)
    seen, read = False, 0
    while not seen and read <= places:
        if read >= places:
            os.utime(tmp_path / "a")  # so that a word that was swallowed is not waited for
        events = reader.read_events()
        seen, read = any(event.is_queue_overflow for event in events), read + len(events)
    reader.close()
    assert seen


def test_a_renamed_root_gives_no_event_and_later_ones_the_old_path(plain, heard, tmp_path):
    folder = tmp_path / "Pictures"
    folder.mkdir()
    plain.schedule(heard, str(folder), recursive=True)
    folder.rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "new.jpg").touch()
    until(lambda: heard.events)
    assert heard.events[0] == ("FileCreatedEvent", str(folder / "new.jpg"))


def test_opening_a_file_comes_through_a_filter_of_that_alone(plain, heard, tmp_path):
    (tmp_path / "file").touch()
    plain.schedule(heard, str(tmp_path), event_filter=[FileOpenedEvent])
    (tmp_path / "file").read_bytes()
    until(lambda: heard.events)
    assert heard.events == [("FileOpenedEvent", str(tmp_path / "file"))]


def test_of_two_watches_of_one_directory_the_kernel_keeps_the_mask_of_the_later_one(plain, heard, tmp_path):
    (tmp_path / "file").touch()
    first = Heard()
    plain.schedule(first, str(tmp_path), event_filter=[FileOpenedEvent])
    plain.schedule(heard, str(tmp_path), event_filter=[FileDeletedEvent, FileCreatedEvent])
    (tmp_path / "file").read_bytes()
    (tmp_path / "file").unlink()
    until(lambda: heard.events)
    assert (heard.events, first.events) == ([("FileDeletedEvent", str(tmp_path / "file"))], [])


def test_our_reader_tells_an_overflow_and_does_not_make_the_watches_anew(tmp_path):
    reports = queue.Queue()
    reader = Reader(reports.put)
    watch = reader._get_or_create_watch(os.fsencode(tmp_path), InotifyConstants.IN_ATTRIB)
    overflow(tmp_path)
    reader.start()
    assert reports.get().loss is Loss.OVERFLOW
    assert reader._watch_for_wd == {watch.wd: watch} and reader.is_alive()
    reader.stop()
    reader.join()
    assert reports.empty()


def test_our_observer_tells_an_overflow_and_raises_the_alarm(loud, alarm, tmp_path):
    with loud.reader._lock:  # the reader waits meanwhile
        overflow(tmp_path / "Pictures")
    alarm.raised.wait()
    assert [one.loss for one in loud.reports()] == [Loss.OVERFLOW]
    assert loud.is_alive() and loud.reports() == []


def test_our_observer_tells_that_its_reader_died_and_does_not_hear_the_canary_then(
    loud, canary, alarm, tmp_path, deaths
):
    canary.touch()
    until(loud.heard_canary)
    kill_reader(tmp_path / "Pictures", loud.reader, deaths)
    assert alarm.raised.is_set() and not loud.is_alive()
    (report,) = loud.reports()
    assert report.loss is Loss.READER_DIED and report.detail.startswith("KeyError")
    loud.heard_canary()  # what was still under way
    canary.touch()
    assert not loud.heard_canary()


@pytest.mark.parametrize("inside", [False, True])
def test_the_canary_is_heard_wherever_it_is_and_each_event_once(tmp_path, inside):
    root = tmp_path / "Pictures"
    root.mkdir()
    inbox, canary = Inbox(), Canary((root if inside else tmp_path) / "canary")
    observer = RootObserver(os.fsencode(root), True, inbox, canary, Alarm())
    assert not observer.heard_canary()
    for _ in range(3):
        canary.touch()
        until(observer.heard_canary)
    (root / "new.jpg").touch()
    until(lambda: any(one.path == os.fsencode(root / "new.jpg") for one in inbox.take()))
    observer.stop()
    inbox.close()


@with_limit
def test_our_observer_tells_each_folder_that_is_refused_a_watch(tmp_path):
    for number in range(LIMIT + 10):
        (tmp_path / f"d{number}").mkdir()
    script = """
import os, sys
from difwatch.watch.inbox import Inbox
from difwatch.watch.observer import RootObserver
observer = RootObserver(os.fsencode(sys.argv[1]), True, Inbox(), None, None)  # one alarm for each would be too much
for report in observer.reports():
    print(report.loss.name, os.fsdecode(report.path), report.detail)
observer.stop()
"""
    told = _limited(script, tmp_path).splitlines()
    assert len(told) == 11, "the root takes one watch"
    assert all(one.startswith(f"WATCH_FAILED {tmp_path}/d") and "limit" in one for one in told)


@pytest.mark.root
@pytest.mark.skipif(os.getuid() != 0 or shutil.which("setpriv") is None, reason="needs root, to give up rights")
def test_our_observer_tells_a_folder_that_it_may_not_read(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "shut").mkdir(mode=0)
    script = """
import os, sys
from watchdog.events import FileSystemEventHandler
from difwatch.watch.reader import LoudObserver
reports = []
observer = LoudObserver(reports.append)
observer.schedule(FileSystemEventHandler(), sys.argv[1], recursive=True)
observer.start()
print([(one.loss.name, os.fsdecode(one.path)) for one in reports], len(observer.reader._watch_for_wd))
observer.stop()
"""
    without_power = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    assert _run(without_power, script, tmp_path) == f"[('WATCH_FAILED', '{tmp_path}/shut')] 2\n"


def test_our_observer_ends_without_a_word_after_folders_were_moved_out(loud, tmp_path, deaths):
    album = tmp_path / "Pictures" / "album"
    for name in ("1", "2"):
        before = len(loud.reader._watch_for_wd)
        album.mkdir()
        until(lambda before=before: len(loud.reader._watch_for_wd) > before)
        album.rename(tmp_path / name)
    loud.stop()
    assert deaths == [] and not any(thread.is_alive() for thread in loud._threads)
    assert isinstance(loud._observer, LoudObserver)


def _limited(script, folder):
    return _run(IN_NAMESPACE, script, folder)


def _run(prefix, script, folder):
    done = subprocess.run(
        [*prefix, sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
