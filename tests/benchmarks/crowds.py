"""Pictures that sketches can hardly tell apart: how the time of a first index grows with their number.

    python -m tests.benchmarks.crowds [--codes N] [--noise N] [--pages N]

Codes are black and white squares like QR codes, noise is 8 x 8 pixels of any colour, pages have two short lines of
text. Prints the time for all codes over that for half of them, files a second among the last tenth of the noise over
those among the first, and the time for the pages.
"""

from __future__ import annotations

import argparse
import itertools
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_MODULES = 29
_A_FOLDER = 1000
_POLL_SECONDS = 0.2
_WORDS = ("invoice", "total", "dear", "sir", "thanks", "for", "your", "letter", "of", "may", "june", "due", "amount")


def code(rng: np.random.Generator) -> Image.Image:
    """Squares at random, with the three marks that such codes have in their corners."""
    squares = rng.integers(0, 2, (_MODULES, _MODULES), dtype=np.uint8) * 255
    mark = np.full((8, 8), 255, np.uint8)
    mark[:7, :7], mark[1:6, 1:6], mark[2:5, 2:5] = 0, 255, 0
    squares[:8, :8], squares[:8, -8:], squares[-8:, :8] = mark, mark[:, ::-1], mark[::-1]
    return Image.fromarray(np.kron(np.pad(squares, 4, constant_values=255), np.ones((6, 6), np.uint8)))


def noise(rng: np.random.Generator) -> Image.Image:
    return Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))


def page(rng: np.random.Generator) -> Image.Image:
    picture = Image.new("RGB", (620, 877), "white")
    draw = ImageDraw.Draw(picture)
    for line in range(2):
        text = " ".join(_WORDS[word] for word in rng.integers(0, len(_WORDS), 7))
        draw.text((60, 90 + 40 * line + int(rng.integers(0, 30))), text, fill=0, font=ImageFont.load_default(16))
    return picture


def write(folder: Path, draw: Callable[[np.random.Generator], Image.Image], numbers: range, ending: str) -> None:
    rng = np.random.default_rng(numbers.start)
    for number in numbers:
        place = folder / f"{number // _A_FOLDER:03d}"
        place.mkdir(parents=True, exist_ok=True)
        draw(rng).save(place / f"{number:06d}.{ending}")


def indexed(state: Path, folder: Path) -> list[tuple[float, int]]:
    """Index a folder; return after how many seconds the store had how many files."""
    watch = ["watch", "--once", "--quiet-seconds", "0", folder]
    start = time.perf_counter()
    known = [(0.0, 0)]
    with subprocess.Popen([sys.executable, "-m", "difwatch", "-q", "--state-dir", state, *watch]) as process:
        while process.poll() is None:
            time.sleep(_POLL_SECONDS)
            known += [(time.perf_counter() - start, count) for count in _count(state / "difwatch.db")]
    if process.returncode:
        raise SystemExit(f"watch --once ended with {process.returncode}")
    known += [(time.perf_counter() - start, count) for count in _count(state / "difwatch.db")]
    return known


def _count(store: Path) -> Iterator[int]:
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            yield from connection.execute("SELECT count(*) FROM file").fetchone()
    except sqlite3.OperationalError:
        return  # it is just being made


def rate(known: list[tuple[float, int]], first: int, last: int) -> float:
    """Files a second between two numbers of files, or between the batches around them."""
    since = max(one for one in known if one[1] <= first)
    until = next(one for one in known if one[1] >= last)
    return (until[1] - since[1]) / (until[0] - since[0])


def codes(place: Path, count: int) -> None:
    folder, seconds = place / "codes", []
    for done, number in itertools.pairwise((0, count // 2, count)):
        write(folder, code, range(done, number), "png")
        seconds.append(indexed(place / f"codes-{number}", folder)[-1][0])
    half, whole = seconds
    print(f"{count} codes over {count // 2}: {whole:.1f} s / {half:.1f} s = {whole / half:.2f}", flush=True)


def noises(place: Path, count: int) -> None:
    write(place / "noise", noise, range(count), "png")
    known = indexed(place / "noise-state", place / "noise")
    first, last = rate(known, 0, count // 10), rate(known, count - count // 10, count)
    total = known[-1][0]
    print(
        f"{count} pictures of noise, {total:.1f} s: files a second at the end over those at the start: "
        f"{last:.0f} / {first:.0f} = {last / first:.2f}",
        flush=True,
    )


def pages(place: Path, count: int) -> None:
    write(place / "pages", page, range(count), "jpg")
    print(f"{count} sparse pages: {indexed(place / 'pages-state', place / 'pages')[-1][0]:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=20_000)
    parser.add_argument("--noise", type=int, default=300_000)
    parser.add_argument("--pages", type=int, default=3000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        if arguments.codes:
            codes(place, arguments.codes)
        if arguments.pages:
            pages(place, arguments.pages)
        if arguments.noise:
            noises(place, arguments.noise)


if __name__ == "__main__":
    main()
