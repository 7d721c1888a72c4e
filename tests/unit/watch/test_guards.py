"""The guards of the folders: what is offline, doubted, polled, lost, not watched."""

import os
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from difwatch.extensions import is_image_name
from difwatch.model.health import Loss
from difwatch.model.settings import Folder
from difwatch.tree.identity import identity
from difwatch.tree.mounts import Mount, mount_at, mounts_of, read_mounts
from difwatch.tree.roots import Root
from difwatch.tree.scan import Directory
from difwatch.tree.walked import Walked
from difwatch.watch.audit import kernel_watches, unwatched
from difwatch.watch.canary import Canary
from difwatch.watch.guards import Guards
from difwatch.watch.inbox import Inbox
from difwatch.watch.losses import Report
from difwatch.watch.reader import LoudObserver

HERE = [Mount(1, b"/", b"ext4")]


@pytest.fixture
def inbox():
    box = Inbox()
    yield box
    box.close()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "p/sub").mkdir(parents=True)
    (tmp_path / "p/a.jpg").touch()
    return tmp_path / "p"


def root(path, **options) -> Root:
    return Root(Folder(os.fsencode(path), **options), is_image_name)


def directories(path):
    return tuple(
        Directory(os.fsencode(one), found.st_dev, found.st_ino)
        for one in (path, *(place for place in path.rglob("*") if place.is_dir()))
        for found in [os.lstat(one)]
    )


class KnownFiles:
    """Says of every folder whether files are known from it."""

    def __init__(self, known):
        self.known = known

    def has_known(self, root):
        return self.known


class Watched:
    """Guards of one folder that is observed, ended with the test."""

    def __init__(self, folder, inbox, known=True, before=None, **options):
        self.root = root(folder, **options)
        self.mounts = list(HERE)
        canary = Canary(folder.parent / "canary")
        known_files = KnownFiles(known)
        self.guards = Guards([self.root], inbox, known_files, before, canary, 5.0, lambda: self.mounts)
        self.guard = self.guards.of(self.root.path)

    @property
    def observer(self):
        return self.guard.listening.observer

    def walked(self, now, released=False, **found):
        outcome = Walked(self.root, known=1000)
        return self.guard.walked(replace(outcome, **found), now, released)

    @property
    def state(self):
        return self.guard.state


@pytest.fixture
def watch(folder, inbox):
    made = []

    def make(**options):
        made.append(Watched(folder, inbox, **options))
        return made[-1]

    yield make
    for one in made:
        one.guards.disarm()


def test_an_empty_folder_from_which_files_are_known_is_offline_until_it_holds_something(watch, folder):
    one = watch()
    (folder / "a.jpg").unlink()
    (folder / "sub").rmdir()
    assert one.guards.arm(True, 0) == []
    assert one.state == "offline"
    assert "is empty, but files are known from it" in one.guards.troubles()[0]
    assert one.guards.look_after(5) == []
    (folder / "b.jpg").touch()
    assert one.guards.look_after(10) == [one.root]
    assert (one.state, one.guards.troubles()) == ("scanning", [])


def test_a_folder_that_was_replaced_is_armed_anew_and_counted(watch, folder):
    one = watch()
    one.guards.arm(True, 0)
    one.walked(1)
    assert one.state == "watching"
    folder.rename(folder.with_name("away"))
    assert one.guards.look_after(5) == []
    assert (one.state, one.guards.losses()["unmounted"]) == ("offline", 1)
    assert not one.guard.is_whole()
    folder.with_name("away").rename(folder)
    assert one.guards.look_after(10) == [one.root]


def test_another_file_system_is_doubted_until_all_is_found_or_a_person_says_so(watch, folder):
    was = identity(os.fsencode(folder))
    for released in (False, True):
        one = watch(before={os.fsencode(folder): was._replace(fsid=was.fsid + 1)})
        one.guards.arm(True, 0)
        assert one.walked(1, missing=(b"/p/x",)) == ()
        assert "another file system is at its place" in one.guards.troubles()[0]
        assert "difwatch forget" in one.guards.troubles()[0]
        assert not one.guard.is_whole()
        assert one.guard.certain_identity is None
        found = one.walked(2, missing=(b"/p/x",) if released else (), released=released)
        assert found == ((b"/p/x",) if released else ())
        assert one.guards.troubles() == []
        assert one.guard.certain_identity == was


def test_a_folder_that_comes_back_is_observed_only_if_it_was_to_be(watch, folder):
    for observe, state in ((False, "polling"), (True, "watching")):
        one = watch()
        one.guards.arm(observe, 0)
        folder.rename(folder.with_name("away"))
        one.guards.look_after(5)
        folder.with_name("away").rename(folder)
        assert one.guards.look_after(10) == [one.root]
        one.walked(11)
        assert one.state == state


def test_missing_files_are_confirmed_by_another_walk_and_too_many_are_held(watch):
    one = watch()
    one.guards.arm(True, 0)
    assert one.walked(1, missing=(b"/p/x",)) == ()
    assert one.guards.must_confirm()
    assert not one.guard.is_whole()
    assert one.guards.look_after(6) == [one.root]
    assert one.walked(7, missing=(b"/p/x",)) == (b"/p/x",)
    assert not one.guards.must_confirm()
    assert one.guard.is_whole()
    many = tuple(b"/p/%d" % number for number in range(400))
    assert one.walked(8, missing=many) == one.walked(9, missing=many) == ()
    assert "400 known files are missing at once" in one.guards.troubles()[0]
    assert one.walked(10, missing=many, away=(b"/p/y",), released=True) == (*many, b"/p/y")
    assert one.guards.troubles() == []


def test_files_on_a_file_system_that_is_not_mounted_are_kept_and_told(watch):
    one = watch()
    one.guards.arm(True, 0)
    assert one.walked(1, away=(b"/p/x",)) == ()
    assert "1 known files are on a file system that is not mounted" in one.guards.troubles()[0]
    assert not one.guard.is_whole()
    one.walked(2)
    assert one.guard.is_whole()


def test_a_walk_over_which_the_folder_was_replaced_is_not_believed(watch, folder):
    one = watch()
    one.guards.arm(True, 0)
    one.walked(1, missing=(b"/p/x",))
    folder.rename(folder.with_name("away"))
    folder.mkdir()
    assert one.walked(6, missing=(b"/p/x",)) == ()


def test_a_mount_in_the_folder_is_a_loss_and_walked(watch, folder):
    one = watch()
    one.guards.arm(True, 0)
    one.walked(1)
    assert one.guards.look_after(5) == []
    one.mounts.append(Mount(2, os.fsencode(folder / "sub"), b"ext4"))
    assert one.guards.look_after(10) == [one.root]
    one.walked(11)
    one.mounts.append(Mount(3, b"/elsewhere", b"ext4"))
    assert one.guards.look_after(15) == []
    assert one.guards.losses()["unmounted"] == 1


@pytest.mark.parametrize(
    ("watch_key", "kind", "state"),
    [("auto", b"nfs4", "polling"), ("auto", b"ext4", "watching"), ("poll", b"ext4", "polling"),
     ("inotify", b"nfs4", "watching"), ("auto", b"fuse.sshfs", "polling")],
)  # fmt: skip
def test_what_gives_no_events_is_walked_each_minute(watch, watch_key, kind, state):
    one = watch(watch=watch_key)
    one.mounts[:] = [Mount(1, b"/", kind)]
    one.guards.arm(True, 0)
    one.walked(1)
    assert one.state == state
    assert one.guards.look_after(60) == []
    assert one.guards.look_after(61) == ([one.root] if state == "polling" else [])


def test_an_overlay_is_known_as_such(watch):
    one = watch()
    one.mounts[:] = [Mount(1, b"/", b"overlay")]
    one.guards.arm(True, 0)
    assert one.guard.armed.is_layered


@pytest.mark.parametrize(("place", "polled"), [(b"/nas", True), (b"/.Trash/nas", False), (b"x/nas", False)])
def test_a_network_folder_in_a_watched_one_is_walked_each_minute_and_the_rest_watched(watch, place, polled):
    one = watch()
    one.mounts.append(Mount(2, one.root.path + place, b"nfs4"))
    one.guards.arm(True, 0)
    one.walked(1)
    assert one.state == "watching"
    assert one.guards.look_after(61) == ([one.root] if polled else [])


def test_a_walk_that_was_asked_for_during_another_one_is_not_forgotten(watch):
    one = watch()
    one.guards.arm(True, 0)
    one.guard.schedule.ask(7)
    one.walked(3)
    assert one.guards.look_after(6) == []
    assert one.guards.look_after(7) == [one.root]


def test_an_overflow_is_answered_when_the_walk_that_goes_on_has_ended_and_a_dead_reader_at_once(watch):
    one = watch()
    one.guards.arm(True, 0)
    one.observer.report(Report(Loss.OVERFLOW))
    assert one.guards.look_after(1) == []
    one.walked(2)
    assert one.guards.look_after(6) == [one.root]
    one.observer.report(Report(Loss.READER_DIED, detail="KeyError"))
    assert one.guards.look_after(7) == [one.root]
    assert one.guards.losses() == {"overflow": 1, "reader_died": 1, "watch_failed": 0, "unmounted": 0}


def until(happens):
    waiting = threading.Event()
    for _ in range(500):
        if happens():
            return True
        waiting.wait(0.02)
    return False


def test_a_canary_that_is_not_heard_makes_new_watches_and_then_ends_the_pings(watch, monkeypatch):
    one = watch()
    one.guards.arm(True, 0)
    one.walked(1)
    assert until(lambda: one.observer.listener.heard)
    assert one.guards.look_after(5) == []
    monkeypatch.setattr(Canary, "touch", lambda canary: None)
    assert until(lambda: one.observer.listener.heard), "the last one"
    assert [one.guards.look_after(now) for now in range(10, 55, 5)] == [[]] * 9
    assert one.guards.look_after(4000) == [one.root], "however long the process was stopped"
    assert one.guards.is_heard()
    for now in range(4005, 4020, 5):
        one.walked(now)
        one.guards.look_after(now)
    assert not one.guards.is_heard()


def test_an_observer_whose_thread_died_is_noticed_without_a_report(watch):
    one = watch()
    one.guards.arm(True, 0)
    one.walked(1)
    reader = one.observer.reader
    reader.stop()
    reader.join()
    assert one.guards.look_after(5) == [one.root]


def test_directories_without_a_watch_are_named_asked_for_again_once_and_walked(watch, folder):
    one = watch()
    one.guards.arm(True, 0)
    one.walked(700, directories=directories(folder))
    assert one.guards.health()[0].directories == 2
    assert one.guards.health()[0].unwatched == 0
    for name in ("x", "y"):
        (folder.parent / name).mkdir()
    other = directories(folder.parent)
    one.observer.report(Report(Loss.WATCH_FAILED, b"/x", "inotify watch limit reached"))
    one.walked(701, directories=other)
    assert one.guards.health()[0].unwatched == 3, "the parent, x and y"
    assert one.guards.look_after(702) == [one.root], "asked for again"
    one.walked(703, directories=other)
    assert one.guards.look_after(708) == [], "not again for a minute"
    trouble = one.guards.troubles()[0]
    assert "3 of 6 folders are not watched" in trouble
    assert one.guards.look_after(764) == [one.root], "walked each minute"
    assert one.guards.losses()["watch_failed"] == 1


def test_a_watch_that_is_refused_later_is_answered_by_a_walk_soon(watch):
    one = watch()
    one.guards.arm(True, 0)
    one.walked(1)
    one.observer.report(Report(Loss.WATCH_FAILED, b"/x", "inotify watch limit reached"))
    assert one.guards.look_after(6) == []
    assert one.guards.look_after(11) == [one.root]


def test_without_a_watch_for_the_canary_the_folder_is_watched_all_the_same(watch, monkeypatch):
    one = watch()

    def refuse(self, *_, **__):
        raise OSError(28, "inotify watch limit reached")

    real = LoudObserver.schedule
    monkeypatch.setattr(
        LoudObserver,
        "schedule",
        lambda self, *a, **k: refuse(self) if not k.get("recursive") else real(self, *a, **k),
    )
    one.guards.arm(True, 0)
    one.walked(1)
    assert one.state == "watching"
    assert [one.guards.look_after(now) for now in range(5, 100, 5)].count([]) >= 18
    assert one.guards.losses() == {"overflow": 0, "reader_died": 0, "watch_failed": 1, "unmounted": 0}


def test_the_kernels_own_list_is_compared_by_device_and_inode(watch, folder):
    one = watch()
    one.guards.arm(True, 0)
    watches = kernel_watches(one.observer.reader.descriptor)
    found = os.lstat(folder)
    assert (found.st_dev, found.st_ino) in watches
    there = directories(folder)
    assert unwatched(there, watches) == []
    assert unwatched(there, watches - {(found.st_dev, found.st_ino)}) == [os.fsencode(folder)]
    other_device = {(dev + 1, inode) for dev, inode in watches}
    assert unwatched(there, other_device) == [], "where devices differ, inodes are compared"
    gone = Directory(b"/no/such", found.st_dev, 1)
    assert unwatched([gone], watches) == []


def test_the_mounts_are_those_of_the_kernel_and_escaped_names_are_read():
    text = (
        b"21 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 21 8:17 / /mnt/my\\040disk rw,x shared:1 - vfat /dev/sdb1 rw\n"
        b"31 21 0:5 / /mnt/my\\040disk rw - nfs4 nas:/x rw\n"
        b"32 31 8:2 / /mnt/my\\040disk/in\\134side rw - xfs /dev/c rw\n"
    )
    mounts = read_mounts(text)
    assert mount_at(b"/mnt/my disk/a", mounts) == Mount(31, b"/mnt/my disk", b"nfs4"), "the last one at a place"
    assert mount_at(b"/mnt/my disks", mounts).id == 21
    assert {one.id for one in mounts_of(b"/mnt/my disk", mounts)} == {31, 32}
    assert {one.id for one in mounts_of(b"/mnt", mounts)} == {21, 30, 31, 32}
    assert mount_at(b"/proc/self", read_mounts()).kind == b"proc"


@given(path=st.binary(min_size=1, max_size=20).filter(lambda one: b"\0" not in one and b"/" not in one))
def test_every_name_survives_the_escapes_of_the_kernel(path):
    escaped = b"".join(b"\\%03o" % byte if byte in b" \t\n\\#" else bytes([byte]) for byte in path)
    if any(byte in b"\r\x0b\x0c\x1c\x1d\x1e\x85" for byte in path):
        return
    (one,) = read_mounts(b"1 0 8:1 / /m/" + escaped + b" rw - ext4 /dev/x rw\n")
    assert one.path == b"/m/" + path
