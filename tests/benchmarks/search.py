"""The figures of the search, each a ratio of two things measured in this run.

    python -m tests.benchmarks.search [--photos DIR] [--count N] [--difpy] [--smoke]

The material are tensors of random crops of photographs. ``--count`` is the largest number of them (a million takes
10 GB of disk, 12 GB of memory and a quarter of an hour); ``--difpy`` installs difPy 4.2.1 from PyPI in an environment
of its own and runs its search beside ours; ``--smoke`` does everything with a few tensors, to see that it runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from difwatch.clock import SystemClock
from difwatch.compare.budget import block_rows, jobs_at_once
from difwatch.compare.by_tensor import ByTensor
from difwatch.compare.by_tone import ByTone, entries_of
from difwatch.compare.chunked import ChunkedSearch, Chunks, cuts_of
from difwatch.compare.comparison import Comparison
from difwatch.compare.distance import limit_of
from difwatch.compare.executor import Executor
from difwatch.compare.hits import Hits
from difwatch.compare.index import Index
from difwatch.compare.orientation import ALL, admitted
from difwatch.compare.sketch import Block
from difwatch.compare.tensor_sketch import tensor_sketches
from difwatch.compare.tone import tones
from difwatch.compare.tone_sketch import tone_sketches
from difwatch.model.settings import Settings, tone_values
from difwatch.rescan.plan import RescanPlan
from difwatch.rescan.steps import RunningRescan, rescan
from difwatch.rescan.threads import threads
from tests.benchmarks.crops import PX, crop_files, crops
from tests.support.paths import CORPUS
from tests.support.running import started
from tests.support.storing import fill, new_store

PHOTOS = CORPUS / "photos"
CORES = len(os.sched_getaffinity(0))
MEMORY = 2 << 30
NMSE = 0.03
DIFPY = """
import sys, time, difPy
if __name__ == "__main__":
    dif = difPy.build(sys.argv[1], show_progress=False)
    start = time.perf_counter()
    difPy.search(dif, similarity="similar", rotate=True, same_dim=False, show_progress=False)
    print(time.perf_counter() - start)
"""


class Material:
    """Tensors as rows, and the sketches of them and of their tones."""

    def __init__(self, photos: Path, count: int) -> None:
        start = time.perf_counter()
        self.rows = crops(photos, count).reshape(count, -1)
        say(f"{count} crops of photographs", f"{time.perf_counter() - start:.0f} s")
        ids = np.arange(count)
        seconds, rows = timed(lambda: np.concatenate([tensor_sketches(self._square(one)) for one in self._parts()]))
        say(f"sketches of {count} tensors, one core", f"{seconds:.1f} s")
        self._tensors = Block(ids, rows)  # type: ignore[arg-type]
        seconds, parts = timed(lambda: [self._toned(one) for one in self._parts()])
        say(f"tones of {count} tensors and their sketches, one core", f"{seconds:.1f} s")
        has_tone = np.concatenate([has for _, has in parts])  # type: ignore[attr-defined]
        toned = np.concatenate([some for some, _ in parts])  # type: ignore[attr-defined]
        self._tones = Block(entries_of(ids, inside=False)[has_tone], toned[has_tone])

    def _square(self, some: np.ndarray) -> np.ndarray:
        return some.reshape(len(some), PX, PX, 3)

    def _parts(self) -> Iterable[np.ndarray]:
        return (self.rows[start : start + 2000] for start in range(0, len(self.rows), 2000))

    def _toned(self, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found, has_tone = tones(some)
        return tone_sketches(found), has_tone

    def square(self, count: int) -> np.ndarray:
        return self._square(self.rows[:count])

    def tensors(self, ids: np.ndarray) -> np.ndarray:
        return self.rows[ids]

    def insides(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return ids[:0], np.zeros((0, PX * PX), np.uint8)

    def by_tensor(self, mse: float, rotate: bool = True) -> ByTensor:
        return ByTensor(PX, limit_of(mse, 3 * PX * PX), self.tensors, admitted(rotate, mirror=False))

    def by_tone(self, rotate: bool = True, mirror: bool = True) -> ByTone:
        return ByTone(PX, limit_of(NMSE, tone_values(PX)), self, admitted(rotate, mirror))

    def block(self, comparison: Comparison, count: int) -> Block:
        """The sketches of the first tensors, or of their tones."""
        if isinstance(comparison, ByTensor):
            return self._tensors.part(0, count)
        return self._tones.part(0, int(np.searchsorted(self._tones.ids, 2 * count)))


def say(figure: str, measured: str) -> None:
    print(f"| {figure} | {measured} |", flush=True)


def timed(function: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def in_memory(block: Block, comparison: Comparison, executor: Executor) -> Iterator[Hits]:
    """The full search as a rescan does it with all tensors in memory: blocks of the same size, by all cores."""
    chunks = Chunks(
        *block,
        comparison,
        cuts_of(comparison.kind, *block, block_rows(len(block.ids), CORES, None, comparison.is_wide)),
    )
    search = ChunkedSearch(chunks, chunks.tasks(), executor, at_once=4 * jobs_at_once(CORES, MEMORY))
    return (part.hits for part in search)


def all_pairs(material: Material, count: int, comparison: Comparison) -> tuple[float, int]:
    """Seconds and pairs of a full search of the first tensors in memory, on all cores."""

    def search() -> int:
        with threads(CORES, MEMORY) as executor:
            return sum(len(hits) for hits in in_memory(material.block(comparison, count), comparison, executor))

    seconds, pairs = timed(search)
    return seconds, int(str(pairs))


def best(runs: int, function: Callable[[], tuple[float, int]]) -> tuple[float, int]:
    return min(function() for _ in range(runs))


def brute(material: Material, count: int) -> float:
    """Pairs a second where nothing can be pruned; printed beside a bare matrix product of the same size."""
    tensors = material.rows[:count].astype(np.float32)
    pairs = count * (count - 1) / 2
    bare, _ = min(timed(lambda: tensors @ tensors.T) for _ in range(3))
    ours, hits = best(2, lambda: all_pairs(material, count, material.by_tensor(2000, rotate=False)))
    turned, _ = all_pairs(material, count // 2, material.by_tensor(2000))
    say(
        f"every pair of {count} tensors at MSE 2000 ({hits} are within) against a bare float32 A @ A.T",
        f"{pairs / ours / 1e6:.1f} against {pairs / bare / 1e6:.1f} million pairs/s: {bare / ours:.2f}",
    )
    say("the same with all four turns, a quarter of the pairs", f"{pairs / 4 / turned / 1e6:.1f} million pairs/s")
    return pairs / ours


def pruned(material: Material, sizes: tuple[int, int], brute_rate: float) -> None:
    small, large = sizes
    upright, pairs = best(3, lambda: all_pairs(material, small, material.by_tensor(5, rotate=False)))
    every_pair = small * (small - 1) / 2 / brute_rate
    say(
        f"all pairs of {small} tensors, MSE 5, upright ({pairs} within), against every pair (extrapolated)",
        f"{upright:.2f} s against {every_pair:.0f} s: {every_pair / upright:.0f} times",
    )
    turned, _ = best(3, lambda: all_pairs(material, small, material.by_tensor(5)))
    say(f"`rotate` on over off, {small}", f"{turned:.2f} s / {upright:.2f} s = {turned / upright:.2f}")
    tones_turned, _ = best(3, lambda: all_pairs(material, small, material.by_tone(mirror=False)))
    tones_all, pairs = best(3, lambda: all_pairs(material, small, material.by_tone()))
    say(
        f"all pairs of {small} by tones, NMSE {NMSE}, eight orientations ({pairs} within), over tensors, four turns",
        f"{tones_all:.2f} s / {turned:.2f} s = {tones_all / turned:.1f}",
    )
    far, pairs = best(2, lambda: all_pairs(material, small, material.by_tensor(50)))
    say(
        f"the same over by tensors up to MSE 50 ({pairs} within)",
        f"{tones_all:.2f} / {far:.2f} = {tones_all / far:.2f}",
    )
    say(
        f"tones, `mirror` on over off, {small}",
        f"{tones_all:.2f} s / {tones_turned:.2f} s = {tones_all / tones_turned:.2f}",
    )
    for name, comparison, first in (
        ("tensors, upright", material.by_tensor(5, rotate=False), upright),
        ("tensors, four turns", material.by_tensor(5), turned),
        ("tones, eight orientations", material.by_tone(), tones_all),
    ):
        second, pairs = best(2, lambda comparison=comparison: all_pairs(material, large, comparison))
        say(
            f"growth, {large} over {small}, {name} ({pairs} within)",
            f"{second:.2f} s / {first:.2f} s = {second / first:.1f}",
        )


def index(material: Material, place: Path) -> None:
    """Each in a process of its own, so that its memory can be told."""
    decode = decode_seconds()
    count = len(material.rows)
    for name, comparison in (("tensors, four turns", material.by_tensor(5)), ("tones, eight", material.by_tone())):
        block = material.block(comparison, count)
        np.save(place / "sketches.npy", block.rows)
        with ProcessPoolExecutor(1, get_context("spawn")) as one:
            by_tone, reach = isinstance(comparison, ByTone), comparison.reach
            build, memory, query = one.submit(measure_index, place / "sketches.npy", by_tone, reach).result()
        (place / "sketches.npy").unlink()
        say(
            f"index of {count}, {name}: build, resident memory (the sketches included)", f"{build:.1f} s, {memory} MB"
        )
        say(
            f"one query, {name}, against {count} (median of 2000)",
            f"{query * 1e3:.3f} ms: 1/{decode / query:.0f} of decoding a JPEG of 12 MP ({decode * 1e3:.0f} ms)",
        )


def measure_index(path: Path, by_tone: bool, reach: float) -> tuple[float, int, float]:
    """Seconds to build, megabytes, and median seconds of a query."""
    from difwatch.compare.tensor_sketch import TENSOR_SKETCH
    from difwatch.compare.tone_sketch import TONE_SKETCH

    before = memory_of("self", "VmRSS")
    rows = np.load(path)
    block = Block(np.arange(len(rows)), rows)
    made = Index(TONE_SKETCH, ALL) if by_tone else Index(TENSOR_SKETCH, admitted(rotate=True, mirror=False))
    build, _ = timed(lambda: made.add(block))
    memory = memory_of("self", "VmRSS") - before
    queries = np.random.default_rng(3).integers(0, len(rows), 2000)
    times = [timed(lambda one=one: made.candidates(block.part(one, one + 1), reach))[0] for one in queries.tolist()]
    return build, memory, statistics.median(times)


def decode_seconds() -> float:
    import io

    file = io.BytesIO()
    random = np.random.default_rng(1)
    coarse = Image.fromarray(random.integers(0, 256, (300, 400, 3), dtype=np.uint8))
    coarse.resize((4000, 3000), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)

    def decode() -> None:
        file.seek(0)
        Image.open(file).convert("RGB")

    return min(timed(decode)[0] for _ in range(5))


def stored(material: Material, count: int, algorithm: str, place: Path, nmse: float | None = None) -> None:
    """A rescan of a store, as people run it, in a process of its own."""
    state = place / f"{algorithm}-{count}-{nmse}"
    chosen = Settings() if nmse is None else Settings(20, same_dim=False, nmse=nmse, edited=True, mirror=True)
    engine, recipe = new_store(state, PX, nmse or 5, chosen)
    filling, _ = timed(lambda: fill(engine, recipe, material.square(count)))
    engine.dispose()
    command = [sys.executable, "-m", "difwatch", "-q", "--state-dir", str(state), "rescan", "--algorithm", algorithm]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        peak = 0
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid, "VmHWM"))
            time.sleep(0.02)
        said = process.stdout.read().strip()
    assert process.returncode == 0, said
    say(
        f"`rescan --algorithm {algorithm}` of {count} (filling the store took {filling:.0f} s)",
        f"{time.perf_counter() - start:.1f} s, {peak} MB at most; {said}",
    )


def copies(place: Path, count: int) -> None:
    """Copies of one picture and black pictures of different sizes, from files to the store."""
    photo = Image.fromarray(np.random.default_rng(5).integers(0, 256, (90, 120, 3), dtype=np.uint8))
    taken = []
    for number in (count // 2, count):
        folder = place / f"copies-{number}"
        folder.mkdir()
        photo.save(folder / "first.jpg")
        data = (folder / "first.jpg").read_bytes()
        for one in range(number):
            (folder / f"copy{one}.jpg").write_bytes(data)
            Image.new("L", (20 + one % 200, 20 + one // 200)).save(folder / f"black{one}.png")
        state = place / f"copies-state-{number}"
        seconds, _ = timed(
            lambda state=state, folder=folder: started(state, "-q", "watch", "--once", "--quiet-seconds", "0", folder)
        )
        taken.append(seconds)
        report, said = timed(lambda state=state: started(state, "report"))
        status = started(state, "status", check=False).stdout.splitlines()[-1].strip()
    say(
        f"{count} copies of a picture and {count} black pictures of different sizes: `watch --once`, half as many",
        f"{taken[1]:.1f} s, {taken[0]:.1f} s: {taken[1] / taken[0]:.2f} times; {status}; report {report:.1f} s",
    )
    assert said


def against_difpy(place: Path, photos: Path, count: int) -> None:
    folder, state = place / "photos", place / "photos-state"
    crop_files(photos, folder, count)
    subprocess.run([sys.executable, "-m", "venv", place / "venv"], check=True)
    subprocess.run([place / "venv/bin/pip", "install", "-qq", "difPy==4.2.1"], check=True)
    (place / "run_difpy.py").write_text(DIFPY)
    run = [place / "venv/bin/python", place / "run_difpy.py", folder]
    theirs = float(subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()[-1])
    (place / "config.toml").write_text("nmse = false\nremember_up_to = 5\nsimilarity = 5\n")
    called = ("--config", place / "config.toml", "watch", "--once", "--quiet-seconds", "0", folder)
    started(state, *called)
    searched = min(search_alone(state / "difwatch.db") for _ in range(5))
    whole, pairs = min(rescanned(state) for _ in range(5))
    what = f"all pairs of {count} photos, MSE 5, four turns, any size: difPy 4.2.1"
    say(
        f"{what} against `rescan`, each from tensors in memory to pairs",
        f"{theirs:.1f} s against {searched * 1e3:.1f} ms: {theirs / searched:.0f} times",
    )
    say(
        f"{what} as before against all of `rescan` in an open store, reading and writing included",
        f"{theirs:.1f} s against {whole * 1e3:.0f} ms ({pairs} pairs): {theirs / whole:.0f} times",
    )


def search_alone(store: Path) -> float:
    """Seconds of the search in a rescan: what comes between reading the store and writing to it."""
    from difwatch.compare.held import Held
    from difwatch.store import contents, open_reader, reading

    with reading(open_reader(store)) as connection:
        block = contents.sketches(connection, 1)
        held = Held(block.ids, contents.StorePixels(connection).tensors(block.ids))
    comparison = ByTensor(PX, limit_of(5, 3 * PX * PX), held)
    with threads(CORES, MEMORY) as executor:
        return timed(lambda: list(in_memory(block, comparison, executor)))[0]


def rescanned(state: Path) -> tuple[float, int]:
    """Seconds of a full search of a store that is open, its reading and writing included."""
    from sqlalchemy import text

    from difwatch.model.settings import Remembered
    from difwatch.store import open_writer, settings, writing

    engine = open_writer(state / "difwatch.db")
    with writing(engine) as connection:
        store = settings.get_in_force(connection)
        assert store is not None
        settings.put_remembered(connection, store, Remembered(5, 5))
        connection.execute(text("DELETE FROM match"))
    plan = RescanPlan("auto", CORES, MEMORY, 10**7)
    with threads(CORES, MEMORY) as executor:

        def search() -> object:
            running = RunningRescan(engine, state / "difwatch.db", plan, executor, SystemClock())
            return rescan(running, lambda now: None)

        seconds, result = timed(search)
    engine.dispose()
    return seconds, getattr(result, "pairs", 0)


def memory_of(pid: int | str, field: str) -> int:
    """Megabytes; 0 for a process that has just ended."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith(field)), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--difpy", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    arguments = parser.parse_args()
    count = 1200 if arguments.smoke else arguments.count
    part = (lambda wanted: max(100, min(count, wanted // 1000))) if arguments.smoke else (lambda n: min(count, n))
    print("| figure | measured |\n|---|---|")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        if arguments.difpy:
            against_difpy(place, arguments.photos, 40 if arguments.smoke else 1000)
        copies(place, 100 if arguments.smoke else 20_000)
        material = Material(arguments.photos, count)
        rate = brute(material, part(12_000))
        pruned(material, (part(60_000), part(240_000)), rate)
        index(material, place)
        stored(material, part(200_000), "chunked", place)
        stored(material, part(200_000), "chunked", place, NMSE)
        if count > part(200_000):
            stored(material, count, "auto", place)
            stored(material, count, "auto", place, NMSE)


if __name__ == "__main__":
    main()
