"""Scenes of ``watching.py`` in which much happens: bursts, overflows, copies, slow writers, strange names, time."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import statistics
import subprocess
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from difwatch.imaging.recipe import make
from tests.faults.scenes import Row, Scene, SkippedError, digest, files_below, kernel_queue, picture, tool
from tests.support.running import until


def burst(quick: bool) -> Iterator[Row]:
    """Files written as fast as possible, with the kernel's usual queue and with a long one."""
    count = 3_000 if quick else 100_000
    for places in (None, 524_288):
        name = f"burst, queue {places or 'as it is'}"
        try:
            with contextlib.nullcontext() if places is None else kernel_queue(places):
                yield _burst(name, count, bare=not quick and places is None)
        except SkippedError as why:
            yield Row(name, count, skipped=str(why))


def _burst(name: str, count: int, bare: bool) -> Row:
    with Scene(name) as scene:
        scene.start(processes=0)
        began = time.monotonic()
        scene.fill(scene.folder, count, 100)
        written = time.monotonic() - began
        scene.settle_whole(60 + count / 100)
        took = time.monotonic() - began
        notes = [f"written in {written:.1f} s", f"{count / took:.0f} files/s until all were known"]
        row = scene.done(*notes)
        if bare:
            began = time.monotonic()
            for path in files_below(scene.folder):
                make(Path(os.fsdecode(path)).read_bytes(), 50, "fast")
            row.notes.append(f"a bare walk with the same decoding: {count / (time.monotonic() - began):.0f} files/s")
        return row


def overflow(quick: bool) -> Iterator[Row]:
    """The daemon is stopped while more happens than the kernel keeps; again and again."""
    rounds, count = (2, 300) if quick else (20, 20_000)
    with Scene(f"overflow, {rounds} times") as scene:
        scene.fill(scene.folder, count, 50)
        scene.start(processes=0)
        scene.settle()
        paths = sorted(files_below(scene.folder))
        for number in range(rounds):
            with scene.frozen():
                scene.overflow()
                for path in paths:
                    scene.write(path)  # another picture in each
                scene.write(scene.folder / f"late{number}.png")
            scene.settle_whole(60 + count / 50)
        os.remove(paths[0])
        scene.settle_whole()
        scene.wait(lambda: rounds <= scene.losses("overflow") <= 3 * rounds, 10, "each overflow is counted")
        yield scene.done()


def directories(quick: bool) -> Iterator[Row]:
    """More directories than the queue has places, one overflow, then one late file in each."""
    count, places = (900, 512) if quick else (17_500, 16_384)
    with kernel_queue(places), Scene(f"{count} directories, queue {places}") as scene:
        for number in range(count):
            (scene.folder / f"d{number:05}").mkdir()
        scene.start()
        with scene.frozen():
            scene.overflow()
        scene.wait(lambda: scene.losses("overflow") > 0 and scene.is_quiet(), 60, "the overflow is counted")
        for number in range(count):
            scene.write(scene.folder / f"d{number:05}" / "late.png")
        scene.settle_whole(60 + count / 50)
        watched = len(scene.watches())
        scene.expect(watched == count + 2, f"{watched} directories are watched, not {count + 2}")
        yield scene.done(f"CPU when idle {100 * _idle_share(scene, 5 if quick else 20):.2f} %")


def _idle_share(scene: Scene, seconds: float) -> float:
    """How much of a core the daemon takes while nothing happens."""
    time.sleep(3)  # what is left of the work before
    before = scene.cpu_seconds()
    time.sleep(seconds)
    share = (scene.cpu_seconds() - before) / seconds
    scene.expect(share < 0.01, f"it takes {100 * share:.1f} % of a core when idle")
    return share


def trash(quick: bool) -> Iterator[Row]:
    """What kills the reader of watchdog, then directories made, moved, copied and removed at random."""
    count = 300 if quick else 10_000
    with Scene(f"basket, then {count} changes of directories") as scene:
        scene.start()
        (scene.base / "basket").mkdir()
        album = scene.folder / "album"
        for name in ("1", "2"):
            album.mkdir()
            until(lambda: scene.is_watched(album), 10)
            album.rename(scene.base / "basket" / name)
        before = len(scene.watches())
        (scene.base / "basket" / "2").rmdir()
        until(lambda: len(scene.watches()) < before, 10)
        (scene.base / "basket" / "1").rmdir()
        scene.write(scene.folder / "new.png")
        scene.wait(lambda: scene.losses("reader_died") == 1, 10, "the death of the reader is counted")
        scene.settle_whole()
        change = Changes(scene, random.Random(5))
        for _ in range(count):
            change()
        scene.settle_whole(60 + count / 20)
        yield scene.done()


class Changes:
    """Changes at random in a tree; what is moved out may come back."""

    def __init__(self, scene: Scene, dice: random.Random) -> None:
        self._scene, self._dice = scene, dice
        self._outside = scene.base / "outside"
        self._outside.mkdir()
        self._numbers = itertools.count()

    def __call__(self) -> None:
        act = self._dice.choice(
            (self._make, self._make, self._write, self._write, self._move, self._copy, self._clear)
        )
        act()

    def _new(self) -> Path:
        return self._any() / f"n{next(self._numbers)}"

    def _any(self) -> Path:
        """A directory in the tree."""
        found = [Path(top) for top, _, _ in os.walk(self._scene.folder) if len(Path(top).parts) < 9]
        return self._dice.choice(sorted(found)[:200])

    def _below(self) -> Path | None:
        found = self._any()
        return None if found == self._scene.folder else found

    def _make(self) -> None:
        new = self._new()
        new.mkdir()
        self._scene.write(new / "first.png")

    def _write(self) -> None:
        self._scene.write(self._any() / self._dice.choice(("a.png", "b.png", "c.jpg")))

    def _move(self) -> None:
        """Within the tree, out of it, or back into it."""
        away = sorted(self._outside.iterdir())
        if away and self._dice.random() < 0.5:
            self._dice.choice(away).rename(self._new())
        elif (some := self._below()) is not None:
            new = self._new() if self._dice.random() < 0.6 else self._outside / f"o{next(self._numbers)}"
            if some not in new.parents:
                some.rename(new)

    def _copy(self) -> None:
        some = self._below()
        if some is not None and sum(1 for _ in some.rglob("*")) < 50:
            shutil.copytree(some, self._outside / "copy")
            (self._outside / "copy").rename(self._outside / f"c{next(self._numbers)}")
            subprocess.run(["cp", "-r", str(some), str(self._new_beside(some))], check=True)

    def _new_beside(self, some: Path) -> Path:
        return some.parent / f"n{next(self._numbers)}"

    def _clear(self) -> None:
        """A directory with all that is in it."""
        some = self._below()
        if some is not None:
            shutil.rmtree(some)


def copies(quick: bool) -> Iterator[Row]:
    """Trees that real tools write."""
    count = 200 if quick else 2_000
    for name, copy in TOOLS.items():
        with Scene(f"{name} of {count} files") as scene:
            source = scene.base / "source"
            scene.fill(source, count, 200)
            try:
                tool(name.split()[0])
                scene.start()
                copy(scene, source)
            except SkippedError as why:
                yield Row(scene.row.name, count, skipped=str(why))
                continue
            scene.settle_whole()
            scene.expect(scene.row.count == count, f"{scene.row.count} files are there")
            yield scene.done()


def _run(scene: Scene, *command: str | Path) -> None:
    subprocess.run(list(map(str, command)), check=True, capture_output=True, cwd=scene.base)


def _unzip(scene: Scene, source: Path) -> None:
    archive = shutil.make_archive(str(scene.base / "tree"), "zip", source)
    _run(scene, "unzip", "-q", archive, "-d", scene.folder / "tree")


def _checkout(scene: Scene, source: Path) -> None:
    _run(scene, "git", "init", "-q", source)
    identity = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    _run(scene, "git", "-C", source, "add", ".")
    _run(scene, "git", "-C", source, *identity, "commit", "-q", "-m", "tree")
    _run(scene, "git", "-C", source, f"--work-tree={scene.folder}", "checkout", "-q", "-f", "HEAD", "--", ".")


TOOLS: dict[str, Callable[[Scene, Path], None]] = {
    "cp -r": lambda scene, source: _run(scene, "cp", "-r", source, scene.folder / "tree"),
    "rsync -a": lambda scene, source: _run(scene, "rsync", "-a", f"{source}/", scene.folder / "tree"),
    "unzip": _unzip,
    "git checkout": _checkout,
}


def writers(quick: bool) -> Iterator[Row]:
    """Files that come slowly, with holes that are filled later, emptied and filled again, renamed, linked."""
    with Scene("slow writers") as scene:
        folder = scene.folder
        old = scene.write(folder / "refilled.png")
        scene.start()
        scene.settle()
        slow, hole, full = (picture(number) + bytes(5000) + b"end" for number in (101, 102, 103))
        final = {"slow.png": slow, "hole.png": hole, "refilled.png": full}
        allowed = {os.fsencode(folder / name): {digest(data)} for name, data in final.items()}
        allowed[os.fsencode(folder / "refilled.png")].add(digest(old))
        scene.written |= {digest(data) for data in final.values()}
        with _watched_rows(scene, allowed), contextlib.ExitStack() as opened:
            paths = [folder / name for name in final]
            files = [opened.enter_context(open(path, "wb", buffering=0)) for path in paths]
            os.posix_fallocate(files[1].fileno(), 0, len(hole))
            os.pwrite(files[1].fileno(), hole[:100], 0)
            for part in range(10):
                size = len(slow) // 10 + 1
                files[0].write(slow[part * size :][:size])
                time.sleep(0.3)
            os.pwrite(files[1].fileno(), hole, 0)
            files[2].write(full)
        scene.write(scene.base / "part")
        (scene.base / "part").rename(folder / "renamed.png")
        scene.write(folder / "name.part")
        (folder / "name.part").rename(folder / "name.png")
        os.link(folder / "name.png", folder / "linked.png")
        scene.settle_whole()
        yield scene.done()


@contextlib.contextmanager
def _watched_rows(scene: Scene, allowed: dict[bytes, set[bytes]]) -> Iterator[None]:
    """Look again and again whether a row shows what a file never was when it was finished."""
    stop, found = threading.Event(), set()

    def look() -> None:
        while not stop.wait(0.05):
            found.update((path, seen) for path, seen in scene.rows().items() if seen not in allowed[path])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    scene.expect(not found, f"unfinished files were kept: {found}")


def names(quick: bool) -> Iterator[Row]:
    """Names that are no text, have line breaks, are as long as can be, or twins; and a deep path."""
    with Scene("strange names") as scene:
        top = os.fsencode(scene.folder)
        strange = [
            b"no \xff\xfe text",
            b"two\nlines",
            b"x" * 251,
            b"\x1b[31m",
            "\u202egpj".encode(),
            b" ",
            b"-rf",
            b"'\"$`",
        ]
        strange += [unicodedata.normalize(form, "K\u00e4se").encode() for form in ("NFC", "NFD")]
        deep = top + b"".join(b"/" + b"d" * 50 for _ in range(70))
        os.makedirs(deep)
        for when in ("before", "while"):
            for name in strange:
                directory = os.path.join(top, b"in " + name[:200] + when.encode())
                os.mkdir(directory)
                for path in (os.path.join(top, when.encode()[:0] + name), os.path.join(directory, name)):
                    scene.write(path + b".png")
            scene.write(deep + b"/" + when.encode() + b".png")
            if when == "before":
                scene.start()
            scene.settle_whole()
        os.rename(deep, deep + b"2")
        os.rename(os.path.join(top, strange[0] + b".png"), os.path.join(top, strange[0] + b"\xfd.png"))
        scene.settle_whole()
        code, told = scene.status()
        scene.expect((code, told["state"]) == (0, "running"), f"status: {told}")
        yield scene.done()


def inodes(quick: bool) -> Iterator[Row]:
    """Other bytes of the same size and time under the same name, and the same inode where the disk gives it again."""
    count = 20 if quick else 1_000
    with Scene(f"{count} inodes that come again") as scene:
        scene.fill(scene.folder, count)
        scene.start()
        scene.settle()
        again = 0
        for path in sorted(files_below(scene.folder)):
            again += _exchange(scene, path)
        scene.settle_whole()
        scene.stop()
        for path in sorted(files_below(scene.folder)):
            again += _exchange(scene, path)
        scene.start()
        scene.settle_whole()
        yield scene.done(f"{again} of {2 * count} times the same inode")


def _exchange(scene: Scene, path: bytes) -> bool:
    """Put another file of the same size and time there; tells whether it got the same inode."""
    before = os.stat(path)
    data = bytearray(Path(os.fsdecode(path)).read_bytes())
    data[-8:] = os.urandom(8)
    os.remove(path)
    scene.write(path, bytes(data))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return os.stat(path).st_ino == before.st_ino


def soak(quick: bool, seconds: float = 3600.0) -> Iterator[Row]:
    """Changes at a low rate for a long time: descriptors, threads and memory must stay; CPU is told as well."""
    seconds = 10.0 if quick else seconds
    with Scene(f"{seconds:g} s of changes") as scene:
        scene.start()
        change, figures, used = Changes(scene, random.Random(6)), [], []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            change()
            figures.append(_figures(scene.pid))
            used.append((time.monotonic(), scene.cpu_seconds()))
            time.sleep(0.2)
        scene.settle_whole()
        quarter = max(1, len(figures) // 4)
        first, last = (
            [statistics.median(one) for one in zip(*part, strict=True)]
            for part in (figures[:quarter], figures[-quarter:])
        )
        notes = [
            f"{what} {a:.0f} → {b:.0f}" for what, a, b in zip(("fds", "threads", "MB"), first, last, strict=True)
        ]
        early, late = (_share(used[:quarter]), _share(used[-quarter:]))
        notes.append(f"CPU {100 * early:.1f} → {100 * late:.1f} %")
        scene.expect(last[0] <= first[0] + 5 and last[1] <= first[1] + 2, f"it grows: {notes}")
        yield scene.done(*notes)


def _figures(pid: int) -> tuple[int, int, float]:
    """Descriptors, threads, memory in MB."""
    memory = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    return len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task")), memory / 1e6


def _share(used: list[tuple[float, float]]) -> float:
    """CPU time between the first and the last of some looks, over the time that went by."""
    (began, before), (ended, after) = used[0], used[-1]
    return (after - before) / max(ended - began, 1e-9)


def idle(quick: bool) -> Iterator[Row]:
    """Many files, and nothing happens."""
    count, seconds = (500, 3) if quick else (100_000, 120)
    with Scene(f"idle, {count} files") as scene:
        scene.fill(scene.folder, count, max(1, count // 100))
        scene.start(processes=0, wait=False)
        scene.settle_whole(60 + count / 100)
        yield scene.done(f"CPU {100 * _idle_share(scene, seconds):.2f} % over {seconds} s")
