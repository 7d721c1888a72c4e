"""A daemon in a process of its own, followed by its log lines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Daemon:
    """``difwatch watch`` over some folders; ``wait_for`` reads its log until a line fits."""

    def __init__(
        self,
        state: Path,
        *folders: Path | str,
        quiet: float = 0.2,
        flags: tuple[str, ...] = (),
        config: Path | None = None,
    ) -> None:
        self.state = state
        command = [sys.executable, "-m", "difwatch", "--state-dir", str(state)]
        command += ["--config", str(config)] if config else []
        command += ["watch", "--log-format", "json"]
        command += ["--quiet-seconds", str(quiet), *flags, *map(str, folders)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.lines: list[dict[str, Any]] = []

    def wait_for(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next log line that fits; the test's own time limit ends a wait in vain."""
        assert self.process.stderr is not None
        for raw in self.process.stderr:
            assert raw.startswith(b"{"), raw + self.process.stderr.read()
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
            ps = ["ps", "--ppid", str(self.process.pid), "-o", "pid="]
            listed = subprocess.run(ps, capture_output=True, text=True, check=False).stdout.split()
            found = [int(pid) for pid in listed if b"workers.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return found

    def wait_until_up_to_date(self) -> None:
        self.wait_for(lambda line: line["event"] == "up to date")

    def wait_for_match(self, new: Path) -> dict[str, Any]:
        return self.wait_for(lambda line: line["event"] == "match" and line["new"] == str(new))

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        if self.process.stderr:
            self.process.stderr.close()
        return code


def difwatch(state: Path, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "difwatch", "--state-dir", str(state), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", check=False)
    assert "Traceback" not in done.stderr, done.stderr
    if check:
        assert done.returncode == 0, done.stderr
    return done


def reported_pairs(state: Path) -> dict[tuple[bytes, bytes], tuple[int, int]]:
    """The pairs of the report, as the twin gives them."""
    listed = json.loads(difwatch(state, "report", "--pairs", "--format", "json").stdout)["pairs"]
    return {(os.fsencode(one["a"]), os.fsencode(one["b"])): (one["sse"], one["rotation"]) for one in listed}
