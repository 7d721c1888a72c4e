"""A daemon that can be killed and started again at will, and whether its store is as its folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from difwatch.extensions import is_watched_name
from tests.support import naive
from tests.support.running import difwatch, reported_pairs

REST_SECONDS = 120.0  # a busy machine takes long
WORKER_SECONDS = 5.0  # after these, a worker of a killed daemon is one too many


@contextlib.contextmanager
def place() -> Iterator[Path]:
    """A temporary folder with pictures/ in it; its short name is good for sockets."""
    with tempfile.TemporaryDirectory(prefix="difwatch-") as name:
        (Path(name) / "pictures").mkdir()
        yield Path(name)


class Watched:
    """``difwatch watch`` over base/pictures with base/state; what it says goes to base/log and to our ears."""

    def __init__(self, base: Path) -> None:
        self.folder, self.state, self.log = base / "pictures", base / "state", base / "log"
        self.restarts: list[float] = []
        self.leftovers: set[int] = set()
        self.released = 0  # how often a person had to say that what is missing is gone
        self._ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ears.bind(str(base / "notify"))
        self._environment = {**os.environ, "NOTIFY_SOCKET": str(base / "notify"), "HOME": str(base)}
        self._started = 0.0
        self._runs = 0
        self._dead: dict[bytes, float] = {}  # mark of a killed run, and when

    def start(self) -> None:
        """Start it; do not wait."""
        self._runs += 1
        self._hear(0)
        command = [sys.executable, "-m", "difwatch", "--state-dir", str(self.state), "watch"]
        command += ["--quiet-seconds", "0.1", str(self.folder)]
        environment = {**self._environment, "WATCHED_RUN": self._mark().decode()}
        self._started = time.monotonic()
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, env=environment)

    def listen(self, seconds: float) -> None:
        """Hear what it says for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._hear(left)

    def rest(self, times: int = 3) -> None:
        """Wait until it has nothing left to do; call it when the folder does not change any more.

        It must say so several times on end, as what has just changed may be on its way; once is enough where nothing
        has changed since it was started.
        """
        end, quiet = time.monotonic() + REST_SECONDS, 0
        while quiet < times:
            assert self.process.poll() is None, f"it ended: {self._said()[-2000:]!r}"
            assert time.monotonic() < end, f"it does not come to rest: {self._said()[-2000:]!r}"
            said = self._hear(1.5)
            if "'difwatch forget" in said:  # so much went while it was killed again and again
                difwatch(self.state, "forget", self.folder)
                self.released += 1
            if "STATUS=" in said:
                quiet = quiet + 1 if "STATUS=up to date" in said and self._is_walked() else 0

    def kill(self) -> bool:
        """End it at once; tells whether it still ran."""
        ran = self.process.poll() is None
        self.process.kill()
        self.process.wait()
        self._dead[self._mark()] = time.monotonic()
        self._count_leftovers()
        return ran

    def stop(self) -> int:
        """End it in order; gives its exit code."""
        self.process.terminate()
        while self.process.poll() is None:
            self._hear(0.1)
        return self.process.returncode

    def close(self) -> None:
        """End what is left of it."""
        with contextlib.suppress(AttributeError):
            self.process.kill()
            self.process.wait()
        for pid in self.leftovers:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self._ears.close()

    def _mark(self) -> bytes:
        return os.fsencode(f"{self.folder}:{self._runs}")

    def _hear(self, seconds: float) -> str:
        """One message, or nothing; without seconds, all that are there are thrown away."""
        self._ears.settimeout(seconds or 0.0)
        try:
            said = self._ears.recv(1000).decode()
            while not seconds:
                self._ears.recv(1000)
        except (TimeoutError, BlockingIOError):
            return ""
        if "READY=1" in said:
            self.restarts.append(time.monotonic() - self._started)
        return said

    def _is_walked(self) -> bool:
        """Whether no walk goes on, or will soon confirm another one."""
        told = json.loads((self.state / "daemon.json").read_text())
        watching = told["pid"] == self.process.pid and all(one["state"] == "watching" for one in told["folders"])
        return watching and b"up to date; files read" in self._said()

    def _said(self) -> bytes:
        """What this run wrote to the log."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read()

    def _count_leftovers(self) -> None:
        """The processes of runs that were killed a while ago, found by what they inherited."""
        late = {mark for mark, when in self._dead.items() if time.monotonic() - when > WORKER_SECONDS}
        for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if late else ():
            with contextlib.suppress(OSError):
                given = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                if any(one.startswith(b"WATCHED_RUN=") and one[12:] in late for one in given):
                    self.leftovers.add(pid)
        self._dead = {mark: when for mark, when in self._dead.items() if mark not in late}


def differences(state: Path, folder: Path) -> dict[str, list[str]]:
    """What the store of a daemon at rest has otherwise than the folder: by kind of the difference."""
    with contextlib.closing(sqlite3.connect(f"file:{state}/difwatch.db?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT path, digest FROM file LEFT JOIN content ON content.id = content_id")
        known = {os.fsdecode(path): digest for path, digest in rows}
    there = {
        path: hashlib.blake2b(Path(path).read_bytes(), digest_size=32).digest()
        for top, _, names in os.walk(folder)
        for path in (os.path.join(top, name) for name in names)
        if is_watched_name(os.fsencode(path))
    }
    reported = reported_pairs(state)
    expected = naive.matched(naive.read_tree(os.fsencode(folder), recipe="fast"))
    return {
        "lost": sorted(there.keys() - known.keys()),
        "ghost": sorted(known.keys() - there.keys()),
        "wrong": sorted(path for path in there.keys() & known.keys() if there[path] != known[path]),
        "pairs wrong": [str(pair) for pair in reported.items() ^ expected.items()],
        "not sound": [*unsound(state / "difwatch.db"), *unsound(state / "moves.db")],
        "put aside": sorted(map(str, state.glob("*.damaged-*"))),
    }


def unsound(database: Path) -> list[str]:
    """What SQLite finds wrong with a database."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA quick_check")]
    except sqlite3.Error as error:
        found = [str(error)]
    return [f"{database.name}: {one}" for one in found if one != "ok"]
