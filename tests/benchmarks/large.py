"""A large collection: how fast it is taken in, how a daemon starts over it, and what it costs while nothing happens.

    python -m tests.benchmarks.large [--photos DIR] [--files N] [--idle SECONDS] [--folder DIR]

Makes N small JPEG files (random crops of photographs, five hundred to a directory), and prints: files a second of
``watch --once`` against one bare process that walks, decodes and shrinks; start of the daemon to READY and to the end
of its first walk; memory, CPU, descriptors and threads of the idle daemon; the time of ``status`` and ``report``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from tests.support.paths import CORPUS
from tests.support.running import Daemon, started

SIZE = (160, 120)
IN_A_DIRECTORY = 500


def make_files(photos: Path, folder: Path, count: int) -> None:
    """Random crops of photographs, as JPEG."""
    rng = np.random.default_rng(1)
    sources = []
    for path in sorted(photos.rglob("*.jpg")):
        with Image.open(path) as opened:
            opened.draft("RGB", (1024, 1024))
            sources.append(opened.convert("RGB"))
    for number in range(count):
        photo = sources[number % len(sources)]
        left, top = (int(rng.integers(0, side - part)) for side, part in zip(photo.size, SIZE, strict=True))
        target = folder / f"{number // IN_A_DIRECTORY:04d}" / f"{number:07d}.jpg"
        target.parent.mkdir(exist_ok=True, parents=True)
        photo.crop((left, top, left + SIZE[0], top + SIZE[1])).save(target, quality=85)


def bare_walk(folder: Path) -> float:
    """Seconds that one process takes to walk, decode and shrink, and nothing else."""
    start = time.perf_counter()
    for directory, _, names in os.walk(folder):
        for name in names:
            with Image.open(os.path.join(directory, name)) as opened:
                upright = ImageOps.exif_transpose(opened).convert("RGB")
            np.asarray(upright.resize((50, 50), Image.Resampling.BICUBIC))
    return time.perf_counter() - start


@contextlib.contextmanager
def notifications(place: Path) -> Iterator[socket.socket]:
    """A socket as systemd gives one, named in the environment of what is started meanwhile."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(place / "notify"))
        os.environ["NOTIFY_SOCKET"] = str(place / "notify")
        yield listening
        del os.environ["NOTIFY_SOCKET"]


def seconds_until(listening: socket.socket, word: bytes, start: float) -> float:
    while word not in listening.recv(4096):
        pass
    return time.perf_counter() - start


def vitals(pid: int) -> dict[str, float]:
    """Memory in MB, seconds of CPU, descriptors and threads of a process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return {
        "MB": int(status["VmRSS"].split()[0]) / 1024,
        "CPU s": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(status["Threads"]),
    }


def timed(*arguments: str | Path, times: int = 10) -> float:
    """The median time of a command."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        started(*arguments)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def measure(folder: Path, state: Path, count: int, idle: float) -> None:
    bare = bare_walk(folder)
    start = time.perf_counter()
    started(state, "watch", "--once", "--quiet-seconds", "0", folder)
    ours = time.perf_counter() - start
    print(f"{count} files: watch --once {ours:.1f} s, bare walk in one process {bare:.1f} s: {bare / ours:.2f} times")
    with notifications(state) as listening:
        start = time.perf_counter()
        daemon = Daemon(state, folder, in_earnest=True)
        print(f"start to READY {seconds_until(listening, b'READY=1', start):.2f} s", flush=True)
        daemon.wait_until_up_to_date()
        print(f"start to the end of the first walk {time.perf_counter() - start:.2f} s", flush=True)
    print(f"status {timed(state, 'status'):.2f} s, report {timed(state, 'report', times=3):.2f} s", flush=True)
    time.sleep(10)
    before = vitals(daemon.process.pid)
    time.sleep(idle)
    after = vitals(daemon.process.pid)
    share = 100 * (after["CPU s"] - before["CPU s"]) / idle
    print(f"idle for {idle:.0f} s: {share:.2f} % of a core; before {before}, after {after}")
    assert daemon.end() == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=CORPUS / "photos")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--idle", type=float, default=120.0)
    parser.add_argument("--folder", type=Path, help="where the files are, or are made and left")
    arguments = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="difwatch-large-"))
    folder = arguments.folder or place / "pictures"
    try:
        if not folder.is_dir():
            make_files(arguments.photos, folder, arguments.files)
        (place / "state").mkdir()
        measure(folder, place / "state", arguments.files, arguments.idle)
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
