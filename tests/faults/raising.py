"""A daemon that raises how far pairs are remembered, killed again and again: it ends all the same, and exactly.

    python -m tests.faults.raising [--kills N] [--pictures N] [--seed N]

Indexes crops of photographs up to a small error, then starts daemons that are to remember pairs up to a large one
and kills each at a random instant of the search; meanwhile new pictures come. The blocks are small, so that there are
many tasks. Prints after how many tasks each kill came, and whether the pairs at the end are
those of brute force.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from difwatch.control.requests import ask
from difwatch.control.state_dir import StateDir
from difwatch.errors import DifwatchError
from difwatch.service.requests import FollowRescan, message
from tests.benchmarks.crops import crop_files
from tests.faults.brute import stored_pairs, true_pairs
from tests.support.paths import CORPUS, ROOT
from tests.support.running import difwatch

PX = 12
BEFORE, AFTER = 5.0, 1500.0
# The program itself, with blocks so small that there are hundreds of tasks.
PROGRAM = (
    "import sys; from difwatch.service import background; background._BLOCK = {block}; "
    "from difwatch.cli.app import main; sys.argv[1:] = {words!r}; main()"
)


class Raising:
    """A state directory and its pictures, and one daemon after the other."""

    def __init__(self, place: Path, pictures: int, block: int) -> None:
        self.state, self.folder, self.block = place / "state", place / "pictures", block
        crop_files(CORPUS / "photos", self.folder, pictures)
        self.config = place / "config.toml"
        self.write_config(BEFORE)
        difwatch(self.state, "--config", self.config, "watch", "--once")
        self.write_config(AFTER)

    def write_config(self, mse: float) -> None:
        values = f"px_size = {PX}\nnmse = false\nremember_up_to = {mse}\nquiet_seconds = 0.1\n"
        self.config.write_text(f"{values}[[folder]]\npath = {json.dumps(str(self.folder))}\n")

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        words = ("--state-dir", str(self.state), "--config", str(self.config), "watch", *words)
        code = PROGRAM.format(block=self.block, words=list(words))
        return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)

    def progress(self) -> dict[str, Any] | None:
        """How far the search is; None while nobody answers."""
        try:
            state: dict[str, Any] = ask(StateDir(self.state), message(FollowRescan()))
        except (DifwatchError, OSError):
            return None
        return state

    def run_until_killed(self, dice: random.Random, more: int) -> tuple[int, int] | None:
        """Start a daemon, kill it when it has done some tasks more; return the tasks done before and after.

        None if the search came to its end before.
        """
        process, first, last = self.start(), None, 0
        try:
            while process.poll() is None:
                state = self.progress()
                if state is not None and not state["going_on"]:
                    return None
                if state is not None:
                    last = state["progress"]["done"]
                    first = last if first is None else first
                    if last - first >= more:
                        break
                time.sleep(dice.uniform(0, 0.01))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        return first or 0, last


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--pictures", type=int, default=600)
    parser.add_argument("--block", type=int, default=40, help="pictures in a block")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    place = Path(tempfile.mkdtemp(prefix="difwatch-raising-"))
    try:
        raising = Raising(place, arguments.pictures, arguments.block)
        last, wrong, ends = 0, 0, 0
        for kill in range(arguments.kills):
            killed = raising.run_until_killed(dice, dice.randint(0, 12))
            if killed is None:
                print(f"kill {kill + 1}: the search had ended before", flush=True)
                ends += 1
                break
            began, done = killed
            print(f"kill {kill + 1}: went on at task {began}, killed at {done}", flush=True)
            wrong += began < last
            last = max(last, began)
            source = raising.folder / f"{dice.randrange(arguments.pictures):05d}.jpg"
            shutil.copy(source, raising.folder / f"new{kill}.jpg")
            os.utime(raising.folder / f"new{kill}.jpg")
        ended = raising.start("--once")
        code = ended.wait()
        ours, theirs = stored_pairs(raising.state, AFTER), true_pairs(raising.folder, PX, AFTER)
        missing, extra = len(theirs - ours), len(ours - theirs)
        print(f"end: exit {code}, {len(theirs)} pairs up to an MSE of {AFTER:g}: missing {missing}, wrong {extra}")
        print(f"{kill + 1 - ends} kills, begun anew {wrong} times")
        sys.exit(bool(code or missing or extra or wrong or ends))
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
