"""What the scenes of ``watching.py`` are made of: a daemon in a place of its own, pictures, and an oracle."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.photos import photo
from tests.support.running import difwatch, until

ENDINGS = (b".png", b".jpg", b".jpeg")
KERNEL = Path("/proc/sys/fs/inotify")
KINDS = 40  # pictures that look different; files differ by what is appended


class SkippedError(Exception):
    """A scene cannot be played here, and why."""


@dataclass
class Row:
    """What came out of a scene."""

    name: str
    count: int
    lost: list[bytes] = field(default_factory=list)
    ghost: list[bytes] = field(default_factory=list)
    wrong: list[bytes] = field(default_factory=list)
    seconds: float = 0.0
    losses: Mapping[str, int] = field(default_factory=dict)
    megabytes: float = 0.0
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def is_bad(self) -> bool:
        return bool(self.lost or self.ghost or self.wrong or self.failed)

    def text(self) -> str:
        if self.skipped:
            return f"| {self.name} | skipped: {self.skipped} |"
        losses = ", ".join(f"{kind} {number}" for kind, number in self.losses.items() if number) or "none"
        cells = [self.name, self.count, len(self.lost), len(self.ghost), len(self.wrong), f"{self.seconds:.1f}"]
        cells += [losses, f"{self.megabytes:.0f}", "; ".join(self.notes)]
        return "| " + " | ".join(map(str, cells)) + " |"

    def problems(self) -> list[str]:
        kinds = {"lost": self.lost, "ghost": self.ghost, "wrong": self.wrong}
        return [f"{self.name}: {kind}: {path!r}" for kind, some in kinds.items() for path in some[:5]] + [
            f"{self.name}: {text}" for text in self.failed
        ]


HEADER = (
    "| scene | N | lost | ghost | wrong | seconds to recover | losses told | MB | notes |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def picture(number: int, equal: bool = False) -> bytes:
    """The bytes of a small picture; each number its own, or one of some."""
    return _pictures()[number % KINDS] + (b"" if equal else number.to_bytes(8, "big"))


@functools.cache
def _pictures() -> tuple[bytes, ...]:
    made = []
    for seed in range(KINDS):
        file = io.BytesIO()
        photo(seed, 24, 16).save(file, "PNG")
        made.append(file.getvalue())
    return tuple(made)


def digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=32).digest()


def files_below(folder: Path) -> Iterator[bytes]:
    """The files that count, by a walk that knows nothing of difwatch."""
    for top, _, names in os.walk(os.fsencode(folder)):
        paths = (os.path.join(top, name) for name in names if name.lower().endswith(ENDINGS))
        yield from (path for path in paths if not os.path.islink(path))


class Scene:
    """A daemon, the folder that it watches, and what must be known of it; leaves nothing behind.

    ``written`` is the manifest: the digest of everything that a scene puts into pictures, kept outside the tree.
    """

    def __init__(self, name: str) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="difwatch-watch-")).resolve()
        self.folder, self.state, self.log = self.base / "pictures", self.base / "state", self.base / "log"
        self.folder.mkdir()
        self.row = Row(name, 0)
        self.written: set[bytes] = set()
        self.process: subprocess.Popen[bytes] | None = None
        self._numbers = 0

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.stop()
        if self.process is not None:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for place in reversed(_mounted_below(self.base)):
            subprocess.run(["umount", "-l", place], check=True)
        shutil.rmtree(os.fsencode(self.base))

    # -- the daemon

    def start(
        self,
        *folders: Path,
        prefix: Sequence[str] = (),
        wait: bool = True,
        processes: int = 1,
    ) -> None:
        """Start it, and wait until it has walked."""
        (self.state / "daemon.json").unlink(missing_ok=True)
        command = [*prefix, sys.executable, "-m", "difwatch", "--state-dir", str(self.state), "watch"]
        command += ["--log-format", "json", "--quiet-seconds", "0.2", "--processes", str(processes)]
        command += map(str, folders or [self.folder])
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("DIFWATCH_", "XDG_"))}
        kept = {key: value for key, value in kept.items() if key not in ("STATE_DIRECTORY", "NOTIFY_SOCKET")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**kept, "HOME": str(self.base)}, cwd=self.base,
            )  # fmt: skip
        if wait:
            until(self.is_quiet, 60, self._said)

    def begin(self, count: int, folders: int) -> dict[bytes, bytes | None]:
        """Start it over so many new pictures in so many folders; gives what is known of them when it is at rest."""
        self.fill(self.folder, count, folders)
        self.start()
        self.settle_whole()
        return self.rows()

    @property
    def pid(self) -> int:
        """Of the daemon; where a tracer started it, of its child."""
        assert self.process is not None
        pid = self.process.pid
        if b"strace" not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]:
            return pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def stop(self) -> None:
        """End it in order."""
        if self.process is not None and self.process.poll() is None:
            self._take_figures()
            with contextlib.suppress(OSError, IndexError):
                os.kill(self.pid, signal.SIGCONT)
                os.kill(self.pid, signal.SIGTERM)
            self.process.wait(timeout=20)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """The daemon does nothing meanwhile."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            until(self._is_frozen, 10)
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def _is_frozen(self) -> bool:
        tasks = Path(f"/proc/{self.pid}/task").glob("*/stat")
        return all(task.read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)

    def overflow(self) -> None:
        """Let more happen to a frozen daemon than the kernel keeps; two files in turn, as equal events are one."""
        noise = [self.folder / name for name in ("noise.a", "noise.b")]
        for path in noise:
            path.touch()
        for _ in range(int((KERNEL / "max_queued_events").read_text())):  # twice as many as it keeps
            for path in noise:
                os.utime(path)

    def heartbeat(self) -> dict[str, Any]:
        """What the daemon last left for status; empty if it has not yet."""
        try:
            told = json.loads((self.state / "daemon.json").read_text())
        except FileNotFoundError:
            return {}
        return told if self.process is not None and told["pid"] == self.pid else {}

    def is_quiet(self) -> bool:
        """Whether it says that it has walked and nothing is left to do."""
        told = self.heartbeat()
        return (
            bool(told)
            and not any(told["queue"].values())
            and all(
                one["state"] != "scanning" and (one["state"] == "offline" or one["directories"] is not None)
                for one in told["folders"]
            )
        )

    def folder_state(self) -> str:
        return str(next(iter(self.heartbeat().get("folders", [])), {}).get("state", ""))

    def losses(self, kind: str) -> int:
        return int(self.heartbeat().get("losses", {}).get(kind, 0))

    def is_told(self, *parts: str) -> bool:
        """Whether one of the reasons that the daemon gives has all these parts."""
        return any(all(part in reason for part in parts) for reason in self.heartbeat().get("reasons", []))

    def status(self) -> tuple[int, dict[str, Any]]:
        done = difwatch(self.state, "status", "--json", check=False)
        return done.returncode, json.loads(done.stdout)

    def is_watched(self, directory: Path) -> bool:
        """Whether the kernel watches a directory for the daemon."""
        wanted = f" ino:{directory.stat().st_ino:x} "
        return any(wanted in line for line in self.watches())

    def watches(self) -> list[str]:
        lines = []
        for path in Path(f"/proc/{self.pid}/fdinfo").iterdir():
            with contextlib.suppress(OSError):
                lines += [line for line in path.read_text().splitlines() if line.startswith("inotify wd:")]
        return lines

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # -- the pictures

    def write(self, path: Path | bytes, data: bytes | None = None) -> bytes:
        """A new picture, or given bytes; noted in the manifest."""
        self._numbers += 1
        data = picture(self._numbers) if data is None else data
        self.written.add(digest(data))
        with open(path, "wb", buffering=0) as file:
            file.write(data)
        return data

    def fill(self, folder: Path, count: int, folders: int = 1) -> None:
        """So many new pictures, spread over so many folders."""
        for number in range(folders):
            (folder / f"d{number:05}").mkdir(parents=True, exist_ok=True)
        for number in range(count):
            self.write(folder / f"d{number % folders:05}" / f"{self._numbers:07}.png")

    # -- the oracle

    def rows(self) -> dict[bytes, bytes | None]:
        """What is in the store: path to digest."""
        if not (self.state / "difwatch.db").exists():
            return {}
        uri = f"file:{self.state}/difwatch.db?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=30)) as connection:
            return dict(
                connection.execute("SELECT path, digest FROM file LEFT JOIN content ON content.id = content_id")
            )

    def tree(self) -> dict[bytes, bytes]:
        """What is on the disk: path to digest."""
        return {path: digest(Path(os.fsdecode(path)).read_bytes()) for path in files_below(self.folder)}

    def settle(self, seconds: float = 60.0, expected: Mapping[bytes, bytes] | None = None) -> None:
        """Wait until the store is as the disk (or as expected) and the daemon at rest; note what differs then."""
        began = time.monotonic()

        def is_reached() -> bool:
            if not self.is_quiet():
                return False
            paths = set(files_below(self.folder)) if expected is None else set(expected)
            rows = self.rows()
            return rows.keys() == paths and rows == (self.tree() if expected is None else expected)

        with contextlib.suppress(AssertionError):
            until(is_reached, seconds)
        self.row.seconds = max(self.row.seconds, time.monotonic() - began)
        rows, there = self.rows(), dict(self.tree() if expected is None else expected)
        self.row.lost += sorted(there.keys() - rows.keys())
        self.row.ghost += sorted(rows.keys() - there.keys())
        self.row.wrong += sorted(path for path in rows.keys() & there.keys() if rows[path] != there[path])
        self.expect(set(there.values()) <= self.written, "a file on the disk is not as it was written")
        self.expect(self.is_quiet(), "it does not come to rest")
        self.row.count = max(self.row.count, len(there))

    def settle_whole(self, seconds: float = 60.0) -> None:
        """Settle, and status must say that all is well."""
        self.settle(seconds)
        self.wait(lambda: not self.heartbeat()["reasons"], 15, "nothing is wrong any more, but status says so")

    def expect(self, holds: bool, text: str) -> None:
        if not holds:
            self.row.failed.append(text)

    def wait(self, holds: Callable[[], bool], seconds: float, text: str) -> None:
        """Wait for something that must come; note it if it does not."""
        try:
            until(holds, seconds)
        except AssertionError:
            self.row.failed.append(f"not within {seconds:g} s: {text} (told: {self.heartbeat().get('reasons')})")

    def wait_for_told(self, *parts: str, seconds: float = 15.0) -> None:
        """Wait until the daemon tells this; then status must say so and exit with 3."""
        self.wait(lambda: self.is_told(*parts), seconds, f"status says {' … '.join(parts)!r}")
        code, told = self.status()
        self.expect(code == 3 and told["state"] == "degraded", f"status is {told['state']} with exit code {code}")

    def expect_kept(self, before: Mapping[bytes, bytes | None]) -> None:
        """Nothing that was known may have gone or changed."""
        now = self.rows()
        gone = [path for path, found in before.items() if now.get(path) != found]
        self.expect(not gone, f"{len(gone)} of {len(before)} rows were not kept, such as {gone[:1]}")

    def done(self, *notes: str) -> Row:
        """End the daemon; gives what came out."""
        self._take_figures()
        self.row.notes += notes
        said = self.log.read_text(errors="replace")
        self.expect("Traceback" not in said, f"a traceback: {said[said.find('Traceback') :][:1500]}")
        self.stop()
        code = None if self.process is None else self.process.returncode
        self.expect(code == 0, f"the daemon ended with {code}: {self._said()}")
        return self.row

    def _take_figures(self) -> None:
        before = self.row.losses
        now = self.heartbeat().get("losses", {})
        self.row.losses = {kind: max(now.get(kind, 0), before.get(kind, 0)) for kind in {*now, *before}}
        with contextlib.suppress(OSError, IndexError):
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
            kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
            self.row.megabytes = max(self.row.megabytes, kilobytes / 1024)

    def _said(self) -> str:
        return self.log.read_text(errors="replace")[-1500:]


@contextlib.contextmanager
def kernel_queue(places: int) -> Iterator[None]:
    """Another length of the kernel's queues, for observers that are made meanwhile; one user at a time.

    Raises
    ------
    SkippedError
        That is not permitted.
    """
    setting = KERNEL / "max_queued_events"
    if os.getuid() != 0:
        raise SkippedError("only root may set fs.inotify.max_queued_events")
    with (Path(tempfile.gettempdir()) / "difwatch-kernel-queue.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = setting.read_text()
        try:
            setting.write_text(str(places))
        except OSError as error:
            raise SkippedError(f"fs.inotify.max_queued_events cannot be set ({error.strerror})") from None
        try:
            yield
        finally:
            setting.write_text(before)


def mount(*arguments: str | Path) -> None:
    """Mount a file system.

    Raises
    ------
    SkippedError
        That is not permitted.
    """
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SkippedError(f"no file system can be mounted here ({done.stderr.strip()})")


def unmount(place: Path, *flags: str) -> None:
    """Unmount, as soon as nobody reads there."""

    def is_done() -> bool:
        return subprocess.run(["umount", *flags, str(place)], capture_output=True, check=False).returncode == 0

    until(is_done, 20)


def _mounted_below(base: Path) -> list[str]:
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        places = [line.split(" ")[4] for line in file]
    return [place for place in places if place.startswith(f"{base}/")]


def tool(name: str) -> str:
    """Where a program is.

    Raises
    ------
    SkippedError
        It is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise SkippedError(f"{name} is not installed")
    return found
