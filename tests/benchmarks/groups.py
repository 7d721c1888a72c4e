"""Groups of a large store: how long the reports take, and how much memory.

    python -m tests.benchmarks.groups [--groups N]

The store is made up: groups of two to five files of random sizes, each file with a tensor of its own, matching the
first of its group. Prints one line for each command.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from difwatch.model.settings import Settings
from difwatch.store import writing
from tests.support.storing import new_store

_DAY = "2026-03-{:02}T10:00:00+00:00"


def make_store(state: Path, groups: int) -> int:
    """Fill a store; return the number of files."""
    rng = random.Random(1)
    engine, _ = new_store(state, 50, 0.03, Settings(20, same_dim=False, nmse=0.03, edited=True))
    tensors, contents, files, matches = [], [], [], []
    id_ = 0
    for group in range(groups):
        members = 2 if group % 10 < 8 else 3 if group % 10 < 9 else 5
        first = id_ + 1
        for number in range(members):
            id_ += 1
            width, height = (4000, 3000) if number == 0 else (1280, 960)
            size = rng.randint(2_000_000, 6_000_000) if number == 0 else rng.randint(90_000, 900_000)
            digest = hashlib.blake2b(b"%d" % id_, digest_size=32).digest()
            path = b"/p/%04d/Holiday %d/DSC_%07d.jpg" % (group // 500, group // 60, id_)
            taken = f"2024-05-01T10:{group // 60 % 60:02}:{group % 60:02}"
            camera = ("JPEG", 8, "Camera 1", "Lens 1", taken, 0, 1, 90)
            tensors.append((id_, 1, digest, b"\0" * 64, b"\0" * 128))
            contents.append((id_, digest, size, 1, width, height, id_, 1, *camera))
            moment = 1_600_000_000_000_000_000 + id_ * 10**9
            files.append((id_, path, 1, size, moment, moment, 5, id_, id_, _DAY.format(1 + group % 25)))
            if number:
                tone = rng.randint(10, 19_000)
                matches.append((first, id_, tone, 10 * tone // 9, tone, 0, 0, 0, 0))
    with writing(engine) as connection:
        cursor = connection.connection.cursor()
        cursor.executemany("INSERT INTO tensor (id, recipe_id, digest, sketch, tone) VALUES (?, ?, ?, ?, ?)", tensors)
        cursor.executemany(
            "INSERT INTO content (id, digest, bytes, recipe_id, width, height, tensor_id, frames, format, bits,"
            " camera, lens, taken, has_place, orientation, quality)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            contents,
        )
        cursor.executemany(
            "INSERT INTO file (id, path, folder_id, size, mtime_ns, ctime_ns, dev, inode, content_id, seen)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            files,
        )
        cursor.executemany(
            "INSERT INTO match (a, b, error, sse_turned, tone_turned, sse_rotation, sse_rotation_back, tone_rotation,"
            " tone_rotation_back) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            matches,
        )
    engine.dispose()
    return len(files)


def measure(state: Path, *command: str) -> None:
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "difwatch", "--state-dir", state, *command], stdout=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    print(f"{' '.join(command):40} {seconds:6.2f} s  {usage.ru_maxrss // 1024:5} MB  exit {process.returncode}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=100_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        state = Path(name) / "state"
        with ProcessPoolExecutor(1, get_context("spawn")) as other:  # else its memory counted as that of a command
            files = other.submit(make_store, state, arguments.groups).result()
        print(f"{arguments.groups} groups of {files} files")
        for command in (
            ("report", "--format", "json"),
            ("report", "--format", "csv"),
            ("report",),
            ("status",),
            ("apply", "--dry-run", "--move-to", str(state.parent / "Duplicates")),
        ):
            measure(state, *command)


if __name__ == "__main__":
    main()
