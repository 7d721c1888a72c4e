"""Scenes of ``watching.py`` in which something is away, or cannot be seen: disks, roots, watches, permissions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.faults import disks
from tests.faults.scenes import Row, Scene, SkippedError, files_below, mount, tool, unmount
from tests.support.running import difwatch, until

COUNT = 20
AWAY = "what is known of it is kept"


def _away(scene: Scene, before: dict[bytes, bytes | None]) -> None:
    """The folder must be told to be offline, and nothing may be forgotten."""
    scene.wait_for_told(AWAY)
    scene.expect(scene.folder_state() == "offline", f"the folder is {scene.folder_state()}")
    scene.expect_kept(before)


def _disk(scene: Scene, place: Path | None = None) -> Path:
    """A file system of its own beside the tree, which can be bound to other places, and is bound to one at once."""
    disk = scene.base / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "tmpfs", disk)
    if place is not None:
        mount("--bind", disk, place)
    return disk


def unmounted(quick: bool) -> Iterator[Row]:
    """The file system of a root goes away and comes back."""
    with Scene("root unmounted") as scene:
        disks.image(scene.base / "image")
        loop = ("-o", "loop", scene.base / "image", scene.folder)
        mount(*loop)
        before = scene.begin(COUNT, 3)
        for number in range(1 if quick else 10):
            unmount(scene.folder)
            _away(scene, before)
            mount(*loop)
            scene.write(scene.folder / f"new{number}.png")
            scene.settle_whole()
        yield scene.done()
        unmount(scene.folder)


def unmounted_lazily(quick: bool) -> Iterator[Row]:
    """The same by ``umount -l``, while somebody still uses it."""
    with Scene("root unmounted lazily") as scene:
        disk = _disk(scene, scene.folder)
        before = scene.begin(COUNT, 3)
        with open(next(files_below(scene.folder)), "rb"):
            unmount(scene.folder, "-l")
        _away(scene, before)
        shutil.rmtree(disk / "d00000")  # while it is away
        scene.write(disk / "new.png")
        mount("--bind", disk, scene.folder)
        scene.settle_whole()
        yield scene.done()


def emptied(quick: bool) -> Iterator[Row]:
    """An empty file system at the place of a root, then the right one again."""
    with Scene("empty root") as scene:
        disk = _disk(scene)
        (disk / "pictures").mkdir()
        (disk / "empty").mkdir()
        mount("--bind", disk / "pictures", scene.folder)
        before = scene.begin(COUNT, 3)
        mount("--bind", disk / "empty", scene.folder)
        _away(scene, before)
        scene.stop()
        scene.start()
        _away(scene, before)
        unmount(scene.folder)
        scene.settle_whole()
        yield scene.done()


def other_disk(quick: bool) -> Iterator[Row]:
    """Another file system with other files at the place of a root; released by a person; then the right one again."""
    with Scene("another disk at the place of a root") as scene:
        _disk(scene, scene.folder)
        before = scene.begin(COUNT, 3)
        mount("-t", "tmpfs", "tmpfs", scene.folder)
        scene.fill(scene.folder, COUNT, 3)
        scene.wait_for_told("another file system is at its place", "difwatch forget")
        scene.settle(expected={**before, **scene.tree()})
        _forget(scene)
        scene.settle_whole()
        other = scene.rows()
        scene.expect(not other.keys() & before.keys(), "files of the first disk are still known")
        unmount(scene.folder)
        scene.wait_for_told("another file system is at its place")
        scene.settle(expected={**other, **scene.tree()})
        _forget(scene)
        scene.settle_whole()
        yield scene.done()


def _forget(scene: Scene) -> None:
    difwatch(scene.state, "forget", scene.folder)


def root_renamed(quick: bool) -> Iterator[Row]:
    """A root is renamed away and back; meanwhile files in it come and go."""
    with Scene("root renamed away and back") as scene:
        before = scene.begin(COUNT, 3)
        elsewhere = scene.base / "elsewhere"
        scene.folder.rename(elsewhere)
        scene.write(elsewhere / "new.png")
        _away(scene, before)
        (elsewhere / "d00001").rename(elsewhere / "moved")
        os.remove(next(files_below(elsewhere / "d00000")))
        elsewhere.rename(scene.folder)
        scene.settle_whole()
        scene.expect(scene.losses("unmounted") >= 1, "that it went away is not counted")
        yield scene.done()


def root_replaced(quick: bool) -> Iterator[Row]:
    """Another directory at the place of a root in one step; then it is deleted and made again with other files."""
    with Scene("root replaced, root made again") as scene:
        scene.begin(COUNT, 3)
        other = scene.base / "other"
        scene.fill(other, COUNT, 3)
        scene.folder.rename(scene.base / "old")
        other.rename(scene.folder)
        scene.settle_whole()
        shutil.rmtree(scene.folder)
        scene.fill(scene.folder, COUNT, 3)
        scene.settle_whole()
        scene.write(scene.folder / "d00000" / "late.png")
        scene.settle_whole()
        yield scene.done()


def root_is_a_link(quick: bool) -> Iterator[Row]:
    """The daemon was given a symbolic link, and that is made to lead elsewhere."""
    with Scene("link to a root leads elsewhere") as scene:
        link, first, second = (scene.base / name for name in ("link", "first", "second"))
        for folder in (first, second):
            scene.fill(folder, COUNT, 3)
        link.symlink_to(first)
        scene.folder = first
        scene.start(link)
        scene.settle_whole()
        before = scene.rows()
        (scene.base / "new").symlink_to(second)
        (scene.base / "new").rename(link)
        scene.folder = second
        scene.settle(expected={**before, **scene.tree()})  # what is known of the first one stays, and does not count
        scene.write(second / "late.png")
        scene.settle(expected={**before, **scene.tree()})
        (scene.base / "new").symlink_to(first)
        (scene.base / "new").rename(link)
        shutil.rmtree(first / "d00001")
        scene.folder = first
        scene.settle(expected=_of_both(scene, second))
        yield scene.done()


def _of_both(scene: Scene, other: Path) -> dict[bytes, bytes]:
    here = scene.tree()
    scene.folder, folder = other, scene.folder
    here |= scene.tree()
    scene.folder = folder
    return here


LIMIT = 20


def _limited() -> list[str]:
    script = f'echo {LIMIT} > /proc/sys/user/max_inotify_watches && exec "$@"'
    return [tool("unshare"), "--user", "--map-root-user", "sh", "-c", script, "sh"]


def limit(quick: bool) -> Iterator[Row]:
    """Fewer watches than directories: all is found by walks, and status says what is not watched and what to do."""
    with Scene(f"limit of {LIMIT} watches, 51 directories") as scene:
        scene.fill(scene.folder, 50, 50)
        scene.start(prefix=_limited())
        scene.settle()
        yield _unwatched(scene, quick)


def limit_later(quick: bool) -> Iterator[Row]:
    """The same, when the limit is reached by directories that are made while the daemon runs."""
    with Scene(f"limit of {LIMIT} watches, reached later") as scene:
        scene.fill(scene.folder, 10, 10)
        scene.start(prefix=_limited())
        scene.settle_whole()
        scene.fill(scene.folder, 50, 50)
        scene.settle()
        yield _unwatched(scene, quick)


def _unwatched(scene: Scene, quick: bool) -> Row:
    """Status must say how many directories are not watched, and which setting of the kernel is the reason."""
    scene.wait_for_told("fs.inotify.max_user_watches", "folders are not watched", "walked every minute")

    def bare() -> int:
        inodes = {int(line.split(" ino:")[1].split()[0], 16) for line in scene.watches()}
        return sum(os.stat(top).st_ino not in inodes for top, _, _ in os.walk(scene.folder))

    def is_told() -> bool:
        (folder,) = scene.status()[1]["folders"]
        return bool(folder["unwatched"] == bare() > 0)

    scene.wait(is_told, 15, "as many folders are told as are not watched")  # the heartbeat is written once a second
    scene.expect(scene.losses("watch_failed") > 0, "the loss is not counted")
    if not quick:
        for top in scene.folder.iterdir():
            scene.write(top / "late.png")
        scene.settle(90)
    return scene.done(f"{bare()} not watched")


POINTS = (  # system call, which path, what fails, status says
    ("getdents64", "d00001", "EIO", "cannot be read"),
    ("newfstatat,statx,lstat", "d00001/0000001.png", "EIO", "cannot be read"),
    ("openat", "d00001", "ESTALE", "cannot be read"),
    ("openat", "d00001/0000001.png", "EIO", "cannot be opened"),
    ("openat", "", "ESTALE", ""),  # of the root
    ("newfstatat,statx,lstat", "d00001/0000001.png", "ESTALE", "cannot be read"),
    ("getdents64", "d00001", "ESTALE", "cannot be read"),
)


def errors(quick: bool) -> Iterator[Row]:
    """A disk or a server that fails while the daemon starts: nothing is forgotten, and later all is well."""
    strace = tool("strace")
    for call, name, error, told in POINTS[:2] if quick else POINTS:
        with Scene(f"{error} from {call} of {name or 'the root'}") as scene:
            before = scene.begin(COUNT, 2)
            scene.stop()
            (at,) = [scene.folder / name] if name else [scene.folder]
            if at.is_file():
                scene.write(at)  # so that it must be read
            inject = ["-e", f"inject={call}:error={error}", "-P", str(at), "-o", "/dev/null"]
            scene.start(prefix=[strace, "-f", *inject], wait=bool(name))
            if name:
                scene.wait_for_told(told)
            else:
                scene.wait(lambda: scene.status()[0] == 1, 60, "a root that is away is told")
            scene.stop()
            before.pop(os.fsencode(at), None)
            scene.expect_kept(before)
            scene.start()
            scene.settle_whole()
            yield scene.done()


def permission(quick: bool) -> Iterator[Row]:
    """A directory that may not be read, and later may: told, and then there."""
    with Scene("folder without permission") as scene:
        scene.fill(scene.folder, COUNT, 2)
        shut = scene.folder / "d00001"
        shut.chmod(0)
        _start_without_power(scene)
        _opened_later(scene, shut, quick)
        yield scene.done()


def permission_later(quick: bool) -> Iterator[Row]:
    """The same with a directory that is made while the daemon runs."""
    with Scene("new folder without permission") as scene:
        scene.fill(scene.folder, COUNT, 1)
        _start_without_power(scene)
        scene.settle_whole()
        scene.fill(scene.base, COUNT, 2)
        shut = scene.folder / "d00001"
        (scene.base / "d00001").chmod(0)
        (scene.base / "d00001").rename(shut)
        _opened_later(scene, shut, quick)
        yield scene.done()


def _start_without_power(scene: Scene) -> None:
    """As root without the rights that let root pass all permissions."""
    if os.getuid() != 0:
        raise SkippedError("only root can give up single rights")
    scene.start(prefix=[tool("setpriv"), "--bounding-set=-dac_override,-dac_read_search"])


def _opened_later(scene: Scene, shut: Path, quick: bool) -> None:
    """The rest must be known and status say so; when the directory can be read, all, and what comes later."""
    inside = os.fsencode(shut)
    scene.settle(expected={path: found for path, found in scene.tree().items() if not path.startswith(inside)})
    scene.wait_for_told("d00001", "cannot be read")
    shut.chmod(0o755)
    scene.settle(20 if quick else 150)
    scene.write(shut / "late.png")
    text = "a later file in it is known, or status says that it is not watched"
    scene.wait(lambda: scene.rows() == scene.tree() or scene.is_told("d00001", "not watched"), 10, text)
    if not quick:
        scene.settle(150)


def many_deleted(quick: bool) -> Iterator[Row]:
    """Files that were deleted while the daemon was away: few are believed, many only by a person's word."""
    with Scene("1 000 files, many deleted while away") as scene:
        scene.fill(scene.folder, 1000, 10)
        scene.start(wait=False)
        scene.settle_whole()
        for count, believed in ((150, True), (400, False)):
            scene.stop()
            for path in sorted(files_below(scene.folder))[:count]:
                os.remove(path)
            before = scene.rows()
            scene.start()
            if not believed:
                scene.wait_for_told(f"{count} known files are missing", f"difwatch forget {scene.folder}")
                scene.expect_kept(before)
                _forget(scene)
            scene.settle_whole()
        yield scene.done()


def mounted_over(quick: bool) -> Iterator[Row]:
    """A file system is mounted over a subfolder, and goes away again."""
    with Scene("mount over a subfolder") as scene:
        before = scene.begin(COUNT, 2)
        sub = scene.folder / "d00001"
        mount("-t", "tmpfs", "tmpfs", sub)
        scene.write(sub / "other.png")
        scene.wait_for_told("not mounted", "difwatch forget")
        scene.settle(expected={**before, **scene.tree()})
        os.remove(sub / "other.png")
        until(lambda: os.fsencode(sub / "other.png") not in scene.rows(), 20)
        unmount(sub)
        scene.settle_whole()
        yield scene.done()


def part_unmounted(quick: bool) -> Iterator[Row]:
    """The file system of a subfolder goes away and comes back."""
    with Scene("subfolder unmounted") as scene:
        sub = scene.folder / "sub"
        sub.mkdir()
        disk = _disk(scene, sub)
        scene.fill(scene.folder, COUNT, 2)
        scene.fill(sub, COUNT, 2)
        scene.start()
        scene.settle_whole()
        before = scene.rows()
        unmount(sub)
        scene.wait_for_told(f"{COUNT} known files", "not mounted", "difwatch forget")
        scene.expect_kept(before)
        scene.write(disk / "new.png")
        mount("--bind", disk, sub)
        scene.settle_whole()
        scene.write(sub / "late.png")
        scene.settle_whole()
        yield scene.done()
