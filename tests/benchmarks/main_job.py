"""The figures of the main job, each measured on this machine now.

    python -m tests.benchmarks.main_job [--photos DIR] [--repeat N] [--copies N]

Prints images a second of ``watch --once`` against a bare single-process Pillow loop over the same files, the
time from the end of a copy to its match line less the quiet period, the memory of the idle daemon, and how long
``--help`` and ``status`` take.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from tests.support.paths import CORPUS
from tests.support.running import Daemon, started

QUIET = 0.5


def multiply(photos: Path, folder: Path, repeat: int) -> int:
    """Pictures cut out of the photos, each from another place: 90 % of both sides, saved as JPEG."""
    sources = sorted(path for path in photos.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    place = random.Random(1)
    for source in sources:
        with Image.open(source) as opened:
            photo = opened.convert("RGB")
        width, height = photo.width * 9 // 10, photo.height * 9 // 10
        for number in range(repeat):
            left, top = place.randint(0, photo.width - width), place.randint(0, photo.height - height)
            target = folder / f"{number:03d}" / source.name
            target.parent.mkdir(parents=True, exist_ok=True)
            photo.crop((left, top, left + width, top + height)).save(target, quality=92)
    return repeat * len(sources)


def bare_loop(folder: Path) -> float:
    """Seconds that one process takes to decode and shrink the files, and nothing else."""
    start = time.perf_counter()
    for path in sorted(folder.rglob("*.jp*g")):
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGB")
        np.asarray(upright.resize((50, 50), Image.Resampling.BICUBIC))
    return time.perf_counter() - start


def once(state: Path, folder: Path) -> float:
    """Seconds that ``watch --once`` takes with a new store."""
    start = time.perf_counter()
    started(state, "-q", "watch", "--once", "--quiet-seconds", "0", folder)
    return time.perf_counter() - start


def throughput(place: Path, photos: Path, repeat: int) -> None:
    folder, empty = place / "pictures", place / "empty"
    empty.mkdir()
    count = multiply(photos, folder, repeat)
    before = bare_loop(folder)
    ours = once(place / "state", folder)
    start_up = once(place / "other", empty)
    bare = (before + bare_loop(folder)) / 2
    print(
        f"{photos.name:10} {count:6} files: watch --once {count / ours:7.1f}/s, bare loop {count / bare:7.1f}/s, ",
        end="",
    )
    print(f"ratio {bare / ours:.2f}, without the {start_up:.1f} s of an empty folder {bare / (ours - start_up):.2f}")
    shutil.rmtree(folder)


def latency(place: Path, photos: Path, copies: int) -> None:
    folder, state = place / "live", place / "live-state"
    shutil.copytree(photos, folder)
    sources = sorted(folder.rglob("*.jpg"))
    daemon = Daemon(state, folder, quiet=QUIET, in_earnest=True)
    daemon.wait_until_up_to_date()
    waits = []
    for number in range(copies):
        target = folder / f"copy{number}.jpg"
        target.write_bytes(sources[number % len(sources)].read_bytes() + b"x")
        copied = time.perf_counter()
        daemon.wait_for_match(target)
        waits.append(time.perf_counter() - copied - QUIET)
    print(f"from the end of a copy to its match line, less the quiet period, N={copies}: ", end="")
    print(f"median {statistics.median(waits):.3f} s, worst {max(waits):.3f} s")
    pids = [daemon.process.pid, *daemon.workers()]
    sizes = [resident(pid) for pid in pids]
    print(f"resident memory, idle, {len(sources) + copies} pictures: daemon {sizes[0]} MB, workers {sizes[1:]} MB")
    start = time.perf_counter()
    started(state, "status")
    print(f"status: {time.perf_counter() - start:.2f} s; ", end="")
    daemon.end()


def resident(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=CORPUS / "photos")
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--copies", type=int, default=50)
    arguments = parser.parse_args()
    for part in sorted(path for path in arguments.photos.iterdir() if path.is_dir()) or [arguments.photos]:
        with tempfile.TemporaryDirectory() as place:
            throughput(Path(place), part, arguments.repeat)
    with tempfile.TemporaryDirectory() as place:
        latency(Path(place), arguments.photos, arguments.copies)
    start = time.perf_counter()
    subprocess.run([Path(sys.executable).with_name("difwatch"), "--help"], check=True, stdout=subprocess.DEVNULL)
    print(f"--help: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
