"""How long people wait, beside what they would pick instead: whole processes, with nothing known before.

    python -m tests.benchmarks.peers [--photos DIR] [--counts N N] [--large N] [--small N] [--runs N] [--alone]

Photographs of 0.2 megapixels and of 12 are indexed by ``watch --once`` and by czkawka 0.1.2 (the bindings of
czkawka_core 10, from PyPI in an environment of their own; its cache is empty each time); tiny ones also by a
bare loop in one process that decodes and shrinks. Then an empty folder, and ``status``. The programs take turns; the
ratio is that of their fastest runs. ``--alone`` leaves czkawka out.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from tests.benchmarks.labelled import CZKAWKA, installed
from tests.support.paths import CORPUS

_SMALL, _MEDIUM, _LARGE = (160, 120), (516, 388), (4000, 3000)
_SHARE = 0.9  # of each side of a photograph is cut out, from a place of its own
_A_FOLDER = 1000


def write(photos: Path, folder: Path, count: int, size: tuple[int, int]) -> None:
    """Write as many JPEG files, on all cores: crops of the photographs, none like another."""
    sources = sorted(path for path in photos.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    for number in range(0, count, _A_FOLDER):
        (folder / f"{number // _A_FOLDER:03d}").mkdir(parents=True)
    jobs = [(number, sources[number % len(sources)], folder, size) for number in range(count)]
    with get_context("spawn").Pool() as pool:
        pool.starmap(_write, jobs, chunksize=50)


def _write(number: int, source: Path, folder: Path, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(number)
    with Image.open(source) as opened:
        photo = opened.convert("RGB")
    width, height = (round(side * rng.uniform(_SHARE / 2, _SHARE)) for side in photo.size)
    left, top = rng.integers(0, photo.width - width), rng.integers(0, photo.height - height)
    crop = photo.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + width, top + height))
    crop.save(folder / f"{number // _A_FOLDER:03d}" / f"{number:06d}.jpg", quality=85)


def bare_loop(folder: str) -> None:
    """Decode and shrink the files, and nothing else."""
    for path in sorted(Path(folder).rglob("*.jpg")):
        with Image.open(path) as opened:
            np.asarray(opened.convert("RGB").resize((50, 50), Image.Resampling.BICUBIC))


def run(command: Sequence[str | Path], place: Path, is_fresh: bool = True) -> tuple[float, float]:
    """Run a program, with an empty home if it is fresh; return its seconds and those of its processors."""
    home = place / "home"
    if is_fresh:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home),
        "DIFWATCH_STATE_DIR": str(home / "s"),
    }
    start = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # `status` says by 1 that no daemon runs
        raise SystemExit(f"{command} ended with {process.returncode}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime


def watch_once(folder: Path) -> list[str | Path]:
    return [sys.executable, "-m", "difwatch", "-q", "watch", "--once", "--quiet-seconds", "0", folder]


def compare(what: str, runs: int, place: Path, ours: list[str | Path], other: list[str | Path]) -> None:
    times: tuple[list[tuple[float, float]], ...] = ([], [])
    for _, (known, command) in itertools.product(range(runs), zip(times, (ours, other), strict=True)):
        known.append(run(command, place))
    (wall, cpu), (their_wall, their_cpu) = (min(known) for known in times)
    print(
        f"{what}: {wall:.2f} s ({cpu:.1f} s of processors) / {their_wall:.2f} s ({their_cpu:.1f}) "
        f"= {wall / their_wall:.2f}, N={runs}",
        flush=True,
    )


def alone(what: str, runs: int, once: Callable[[], tuple[float, float]]) -> None:
    walls = [once()[0] for _ in range(runs)]
    print(f"{what}: median {statistics.median(walls):.2f} s, best {min(walls):.2f} s, N={runs}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=CORPUS / "photos")
    parser.add_argument("--counts", type=int, nargs="+", default=[1500, 15_000])
    parser.add_argument("--large", type=int, default=420)
    parser.add_argument("--small", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--alone", action="store_true")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="difwatch-peers-") as name,
        nullcontext() if arguments.alone else installed("czkawka==0.1.2") as environment,
    ):
        place = Path(name)
        (place / "empty").mkdir()
        for count, size in (*((count, _MEDIUM) for count in arguments.counts), (arguments.large, _LARGE)):
            folder = place / f"{count}-{size[0]}"
            write(arguments.photos, folder, count, size)
            what = f"{count} photos of {size[0]} x {size[1]}"
            if environment is None:
                alone(what, arguments.runs, lambda folder=folder: run(watch_once(folder), place))
            else:
                (environment / "run.py").write_text(CZKAWKA)
                theirs = [environment / "bin/python", environment / "run.py", folder, "2"]
                compare(f"{what}, over czkawka", arguments.runs, place, watch_once(folder), theirs)
            shutil.rmtree(folder)
        folder = place / "small"
        write(arguments.photos, folder, arguments.small, _SMALL)
        loop = [sys.executable, "-c", f"from tests.benchmarks.peers import bare_loop; bare_loop({str(folder)!r})"]
        compare(f"{arguments.small} photos of 160 x 120, over a bare loop", 1, place, watch_once(folder), loop)
        alone("an empty folder", 3 * arguments.runs, lambda: run(watch_once(place / "empty"), place))
        alone(
            "status",
            3 * arguments.runs,
            lambda: run([sys.executable, "-m", "difwatch", "status"], place, is_fresh=False),
        )


if __name__ == "__main__":
    main()
