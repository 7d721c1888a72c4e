"""A daemon in a process of its own, followed by its log lines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.loaded import Loaded, Process

_loaded = Loaded()


class Daemon:
    """``difwatch watch`` over some folders; ``wait_for`` reads its log until a line fits.

    Its process has loaded the program already, unless it is started ``in_earnest``: then all of its time counts.
    """

    def __init__(
        self,
        state: Path,
        *folders: Path | str,
        quiet: float = 0.2,
        flags: tuple[str, ...] = (),
        config: Path | None = None,
        in_earnest: bool = False,
    ) -> None:
        self.state = state
        arguments = ["--state-dir", str(state), *(["--config", str(config)] if config else []), "watch"]
        arguments += ["--log-format", "json", "--quiet-seconds", str(quiet), *flags, *map(str, folders)]
        said, says = os.pipe()
        self._said = os.fdopen(said, "rb")
        self.process: subprocess.Popen[bytes] | Process
        with os.fdopen(says, "wb") as errors:
            if in_earnest:
                command = [sys.executable, "-m", "difwatch", *arguments]
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=errors)
            else:
                self.process = _loaded.start(arguments, os.environ, None, errors)
        self.lines: list[dict[str, Any]] = []

    def wait_for(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next log line that fits; the test's own time limit ends a wait in vain."""
        for raw in self._said:
            assert raw.startswith(b"{"), raw + self._said.read()
            line = json.loads(raw)
            self.lines.append(line)
            if fits(line):
                return line
        raise AssertionError(f"the daemon ended: {self.lines}")

    def workers(self) -> list[int]:
        """The pids of its worker processes, as soon as all of them run their program."""
        found: list[int] = []
        while len(found) < len(os.sched_getaffinity(0)):
            assert self.process.poll() is None
            listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            found = [int(pid) for pid in listed if b"workers.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return found

    def wait_until_up_to_date(self) -> None:
        self.wait_for(lambda line: line["event"] == "up to date")

    def wait_for_match(self, new: Path) -> dict[str, Any]:
        return self.wait_for(lambda line: line["event"] == "match" and line["new"] == str(new))

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        self._said.close()
        return code

    def stop_listening(self) -> None:
        """Throw away what it says from now on, so that it never waits for us."""
        threading.Thread(target=self._said.read, daemon=True).start()


def difwatch(state: Path, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a process that has loaded the program already."""
    environment = {"DIFWATCH_PROCESSES": "1", **os.environ}  # for a few pictures, a second worker only takes time
    return _checked(_loaded.run(["--state-dir", str(state), *map(str, arguments)], environment), check)


def started(state: Path, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as a person starts it: all of its time counts."""
    command = [sys.executable, "-m", "difwatch", "--state-dir", str(state), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", check=False)
    return _checked(done, check)


def _checked(done: subprocess.CompletedProcess[str], check: bool) -> subprocess.CompletedProcess[str]:
    assert "Traceback" not in done.stderr, done.stderr
    if check:
        assert done.returncode == 0, done.stderr
    return done


def path_of(fields: dict[str, Any], name: str) -> bytes:
    """The path in a field of JSON: by its bytes where it is no UTF-8."""
    return bytes.fromhex(fields[f"{name}_hex"]) if f"{name}_hex" in fields else fields[name].encode()


def reported_pairs(state: Path) -> dict[tuple[bytes, bytes], tuple[int, int]]:
    """The pairs of the report, as the twin gives them."""
    listed = json.loads(difwatch(state, "report", "--pairs", "--format", "json").stdout)["pairs"]
    return {(path_of(one, "a"), path_of(one, "b")): (one["sse"], one["rotation"]) for one in listed}


def until(holds: Callable[[], object], seconds: float, why: Callable[[], str] = lambda: "") -> None:
    """Wait for something.

    Raises
    ------
    AssertionError
        It does not come in time.
    """
    end = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if holds():
            return
        assert began < end, f"not within {seconds:g} s; {why()}"
        time.sleep(max(0.05, 2 * (time.monotonic() - began)))  # asking must not be most of the load
