"""Workers killed, crashed and stopped at random instants, under load.

    python -m tests.faults.workers [--signals N] [--seed S]

A pool works on good pictures without a pause, while each quarter to half of a second a random worker gets SIGKILL,
SIGSEGV or SIGSTOP (a stopped one is found by the time limit of two seconds). Every job must be answered exactly once,
and no good picture may get a wrong verdict. Prints the counts, and how many descriptors were left.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import os
import random
import signal
import sys
import tempfile
import time
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np

from difwatch.imaging.recipe import make
from difwatch.model.files import FileKey
from difwatch.model.jobs import Limits, Tensorized, TensorJob, WorkerLimits
from difwatch.workers.pool import WorkerPool
from tests.support.photos import photo

PX, WAITING = 50, 40
SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP)


def pictures(place: Path, count: int = 60) -> dict[bytes, bytes]:
    """Some good pictures, and the digests of their tensors."""
    found = {}
    for number in range(count):
        path = place / f"{number}.{('png', 'jpg', 'webp')[number % 3]}"
        photo(number, 300 + 7 * number, 260).save(path)
        values = make(path.read_bytes(), PX).tensor
        found[os.fsencode(path)] = hashlib.blake2b(np.ascontiguousarray(values).tobytes(), digest_size=32).digest()
    return found


def _digest(answer: Tensorized) -> bytes:
    tensor = b"" if answer.appearance is None else answer.appearance.tensor
    return hashlib.blake2b(tensor, digest_size=32).digest()


class Storm:
    """The load and the signals."""

    def __init__(self, expected: dict[bytes, bytes], seed: int) -> None:
        self.expected = expected
        self.random = random.Random(seed)
        self.pool = WorkerPool(2, WorkerLimits(seconds=2.0))
        self.asked: collections.Counter[bytes] = collections.Counter()
        self.answered: collections.Counter[bytes] = collections.Counter()
        self.wrong: list[str] = []
        self.struck: set[bytes] = set()

    def submit(self) -> None:
        path = self.random.choice(list(self.expected))
        self.asked[path] += 1
        self.pool.submit(TensorJob(path, FileKey(1, 1, 1, 1, 1), PX, Limits(10**9, 10**9)))

    def collect(self) -> None:
        for answer in self.pool.collect(time.monotonic()):
            self.answered[answer.path] += 1
            self.struck.discard(answer.path)
            if not isinstance(answer, Tensorized) or _digest(answer) != self.expected[answer.path]:
                self.wrong.append(f"{os.fsdecode(answer.path)}: {answer}"[:300])

    def strike(self) -> bool:
        """Send a signal to a worker that has started; none at a file that was struck before, as two are a verdict."""
        alive = [one for one in self.pool.workers if one.started and one.process.poll() is None]
        alive = [one for one in alive if one.jobs and one.jobs[0].path not in self.struck]
        if not alive:
            return False
        worker = self.random.choice(alive)
        # The job in hand may have ended meanwhile, so the next one counts as struck as well.
        self.struck.update(job.path for job in list(worker.jobs)[:2])
        worker.process.send_signal(self.random.choice(SIGNALS))
        return True

    def run(self, signals: int) -> None:
        sent, due = 0, time.monotonic() + 1.0
        while sent < signals or self.pool.backlog():
            while sent < signals and self.pool.backlog() < WAITING:
                self.submit()
            wait(self.pool.waitables(), timeout=0.02)
            self.collect()
            if sent < signals and time.monotonic() >= due:
                sent += self.strike()
                due = time.monotonic() + self.random.uniform(0.25, 0.5)
        self.pool.close()


def storm(signals: int, seed: int) -> tuple[str, bool]:
    """Run it; gives what came of it in words, and whether all is well."""
    before = len(os.listdir("/proc/self/fd"))
    with tempfile.TemporaryDirectory(prefix="difwatch-workers-") as place:
        one = Storm(pictures(Path(place)), seed)
        one.run(signals)
    lost = one.asked - one.answered
    twice = one.answered - one.asked
    left = len(os.listdir("/proc/self/fd")) - before
    text = (
        f"{signals} signals, {one.asked.total()} jobs: lost {lost.total()}, answered twice {twice.total()}, "
        f"wrong verdicts {len(one.wrong)}, descriptors left {left}"
    )
    return "\n".join([text, *one.wrong]), not (lost or twice or one.wrong or left)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    text, well = storm(arguments.signals, arguments.seed)
    print(text)
    sys.exit(not well)


if __name__ == "__main__":
    main()
