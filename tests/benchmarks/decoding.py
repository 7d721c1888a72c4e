"""How near the workers come to the bare decoder, and what the recipe "fast" gains and changes.

    python -m tests.benchmarks.decoding [--photos DIR] [--repeat N]

Prints photos a second of a pool with one worker per core against one bare Pillow process that reads, decodes and
shrinks (and against as many of them as there are cores, at once); the time of "exact" over that of "fast" for JPEGs
of 12 megapixels; and how far the tensors of both are apart.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import time
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np
from PIL import Image

from difwatch.imaging.recipe import make
from difwatch.model.files import FileKey
from difwatch.model.jobs import Limits, Tensorized, TensorJob
from difwatch.workers.pool import WorkerPool
from tests.support.paths import CORPUS

PX = 50
TWELVE = (4000, 3000)
BARE = """
import sys, time
import numpy as np
from PIL import Image, ImageOps
paths = sys.stdin.read().split("\\0")
print("ready", flush=True)
sys.stdin.close()
start = time.perf_counter()
for path in paths:
    with Image.open(path) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    np.asarray(upright.resize((50, 50), Image.Resampling.BICUBIC))
print(time.perf_counter() - start)
"""


def bare(paths: list[str], processes: int) -> float:
    """Seconds that bare processes take for the photos, shared out between them, without their start."""
    running = []
    for number in range(processes):
        one = subprocess.Popen([sys.executable, "-c", BARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        one.stdin.write("\0".join(paths[number::processes]))
        one.stdin.close()
        running.append(one)
    times = []
    for one in running:
        times.append(float(one.stdout.read().split()[-1]))
        one.stdout.close()
        one.wait()
    return max(times)


def pooled(paths: list[str], processes: int) -> float:
    """Seconds that a pool takes for them, without its start."""
    pool = WorkerPool(processes)
    while not all(worker.started for worker in pool.workers):
        wait(pool.waitables())
        pool.collect(0.0)
    start = time.perf_counter()
    for path in paths:
        pool.submit(TensorJob(os.fsencode(path), FileKey(1, 1, 1, 1, 1), PX, Limits(10**9, 10**9)))
    answers = pool.collect(time.monotonic())
    while len(answers) < len(paths):
        wait(pool.waitables())
        answers += pool.collect(time.monotonic())
    taken = time.perf_counter() - start
    pool.close()
    assert all(isinstance(one, Tensorized) for one in answers)
    return taken


def at_twelve_megapixels(path: str) -> bytes:
    with Image.open(path) as opened:
        out = io.BytesIO()
        opened.convert("RGB").resize(TWELVE, Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


def seconds(data: bytes, recipe: str) -> float:
    start = time.perf_counter()
    make(data, PX, recipe)
    return time.perf_counter() - start


def compare_recipes(paths: list[str]) -> None:
    ratios, apart = [], []
    for path in paths:
        data = at_twelve_megapixels(path)
        ratios.append(seconds(data, "exact") / seconds(data, "fast"))
        one, other = (make(data, PX, recipe).tensor.astype(int) for recipe in ("exact", "fast"))
        apart.append(float(np.square(one - other).mean()))
    low, middle, high = (float(np.quantile(apart, share)) for share in (0.05, 0.5, 0.95))
    print(f"12 MP JPEGs, N={len(paths)}: exact over fast, median {statistics.median(ratios):.2f} times the time")
    print(f"MSE between both: 5 % {low:.3f}, median {middle:.3f}, 95 % {high:.3f}, largest {max(apart):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=CORPUS / "photos")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--recipes", type=int, default=40, help="photos for the comparison of recipes")
    arguments = parser.parse_args()
    photos = [str(path) for path in sorted(arguments.photos.rglob("*.jpg"))]
    cores = len(os.sched_getaffinity(0))
    one, many, ours = ([], [], [])
    for _ in range(arguments.repeat):
        one.append(len(photos) / bare(photos, 1))
        many.append(len(photos) / bare(photos, cores))
        ours.append(len(photos) / pooled(photos, cores))
    best_one, best_many, best = max(one), max(many), max(ours)
    print(f"{len(photos)} photos, {cores} cores: {best:.1f} a second in the pool, {best_one:.1f} in one bare process")
    print(
        f"pool over cores x one bare process: {best / (cores * best_one):.2f}; over bare processes at once: "
        f"{best / best_many:.2f}"
    )
    compare_recipes(photos[: arguments.recipes])


if __name__ == "__main__":
    main()
