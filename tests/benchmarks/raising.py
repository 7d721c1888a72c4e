"""Raising how far pairs are remembered in a running daemon: how long it takes, and how long anybody waits meanwhile.

    python -m tests.benchmarks.raising [--photos DIR] [--pictures N] [--before MSE] [--after MSE]

Indexes N crops of photographs, starts the daemon, raises ``remember_up_to`` by SIGHUP, and until the search has ended
asks over the socket and copies a picture, again and again. Prints how long the search took, and the longest times
from a question to its answer, from a copy to its log line less the quiet period, and between two pings to systemd.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from difwatch.control.requests import ask
from difwatch.control.state_dir import StateDir
from difwatch.service.requests import FollowRescan, message
from tests.benchmarks.crops import crop_files
from tests.benchmarks.large import notifications
from tests.support.paths import CORPUS, ROOT

QUIET = 0.2


def write_config(path: Path, folder: Path, mse: float) -> None:
    values = (
        f'nmse = false\nrecipe = "exact"\nremember_up_to = {mse}\nquiet_seconds = {QUIET}\nmax_pairs = 100000000\n'
    )
    path.write_text(f"{values}[[folder]]\npath = {json.dumps(str(folder))}\n")


def longest_gap(moments: list[float]) -> float:
    return max((later - earlier for earlier, later in itertools.pairwise(moments)), default=0.0)


class Watched:
    """A daemon, and when it pinged and logged what."""

    def __init__(self, place: Path, config: Path) -> None:
        self.pings: list[float] = []
        self.lines: list[tuple[float, str]] = []
        with contextlib.ExitStack() as opened:
            self.listening = opened.enter_context(notifications(place))
            command = [sys.executable, "-m", "difwatch", "--state-dir", str(place / "state"), "--config", str(config)]
            self.process = subprocess.Popen(
                [*command, "watch", "--log-format", "json"], cwd=ROOT, stderr=subprocess.PIPE, text=True
            )
            for follow in (self._follow_pings, self._follow_lines):
                threading.Thread(target=follow, daemon=True).start()
            self.wait_for("up to date")
            self._opened = opened.pop_all()

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self._opened.close()

    def _follow_pings(self) -> None:
        try:
            while True:
                if b"WATCHDOG=1" in self.listening.recv(4096):
                    self.pings.append(time.monotonic())
        except OSError:
            return

    def _follow_lines(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append((time.monotonic(), line))

    def wait_for(self, text: str, seconds: float = 3600.0) -> float:
        """When a log line with a text came."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for moment, line in list(self.lines):
                if text in line:
                    return moment
            time.sleep(0.005)
        raise AssertionError(f"{text!r} did not come")


def measure(place: Path, photos: Path, pictures: int, before: float, after: float) -> None:
    folder, config, state_dir = place / "pictures", place / "config.toml", StateDir(place / "state")
    crop_files(photos, folder, pictures)
    write_config(config, folder, before)
    watched = Watched(place, config)
    write_config(config, folder, after)
    watched.pings.clear()
    began = time.monotonic()
    watched.process.send_signal(signal.SIGHUP)
    watched.wait_for("full search: begun")
    answers, copies, going_on = [], [], True
    while going_on:
        asked = time.monotonic()
        going_on = ask(state_dir, message(FollowRescan()))["going_on"]
        answers.append(time.monotonic() - asked)
        if len(answers) % 10 == 1:
            copy = folder / f"copy{len(answers)}.jpg"
            shutil.copy(folder / "00000.jpg", copy)
            copied = time.monotonic()
            copies.append(watched.wait_for(f"match {copy} ", 600) - copied - QUIET)
        time.sleep(0.02)
    took = time.monotonic() - began
    asked = f"questions {len(answers)}, copies {len(copies)}"
    print(f"{pictures} pictures, {before:g} to {after:g}: {took:.1f} s; {asked}")
    gap = longest_gap([began, *watched.pings])
    print(f"longest: answer {max(answers):.2f} s, match line {max(copies):.2f} s, between pings {gap:.2f} s")
    watched.end()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=CORPUS / "photos")
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--before", type=float, default=50.0)
    parser.add_argument("--after", type=float, default=1500.0)
    arguments = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="difwatch-raising-"))
    try:
        measure(place, arguments.photos, arguments.pictures, arguments.before, arguments.after)
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
