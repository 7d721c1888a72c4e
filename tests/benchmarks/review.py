"""How long a person waits at the page of `difwatch review`.

    python -m tests.benchmarks.review [--groups N] [--photos DIR]

Makes up a store of 240 000 files in 100 000 groups, and asks for what the page asks for: from the start of the
program to the address and to the first rows; rows at random places, in every order and under filters; groups; and the
memory of the program. Then indexes the photographs with a copy of each, and asks for their views.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from PIL import Image

from tests.benchmarks.groups import make_store
from tests.benchmarks.main_job import resident
from tests.support.paths import CORPUS

ORDERS = ("newest", "space", "alike", "path", "taken", "size")


class Page:
    """What a browser asks of the program."""

    def __init__(self, state: Path) -> None:
        command = [sys.executable, "-m", "difwatch", "--state-dir", state, "review", "--no-browser"]
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        found = re.search(r"http://(\S+?)(/open\S+);", self.process.stderr.readline())
        assert found is not None
        self.opened = time.perf_counter() - self.begun
        self.host = found[1]
        self._connection = http.client.HTTPConnection("127.0.0.1", int(found[1].partition(":")[2]))
        self._cookie = ""
        self._cookie = self._ask(found[2]).headers["set-cookie"].partition(";")[0]

    def get(self, path: str) -> tuple[float, Any]:
        """Return after how many milliseconds which answer was there."""
        begun = time.perf_counter()
        answer = self._ask(path)
        took = 1000 * (time.perf_counter() - begun)
        assert answer.status == 200, (path, self._content)
        is_json = answer.headers["content-type"] == "application/json"
        return took, json.loads(self._content) if is_json else self._content

    def _ask(self, path: str) -> http.client.HTTPResponse:
        self._connection.request("GET", path, headers={"host": self.host, "cookie": self._cookie})
        answer = self._connection.getresponse()
        self._content = answer.read()
        return answer


@contextmanager
def page_of(state: Path) -> Iterator[Page]:
    page = Page(state)
    try:
        yield page
    finally:
        page.process.terminate()
        page.process.wait()


def say(what: str, times: list[float]) -> None:
    middle, late = statistics.median(times), sorted(times)[int(0.95 * (len(times) - 1))]
    print(f"{what}: median {middle:.1f} ms, 95 % {late:.1f} ms, N={len(times)}", flush=True)


def large(state: Path) -> None:
    with page_of(state) as page:
        took, first = page.get("/api/rows?n=50")
        print(f"from the start to the address {page.opened:.2f} s; the first {len(first['rows'])} rows {took:.0f} ms")
        while not first["ready"]:
            first = page.get("/api/rows?n=1")[1]
        print(f"from the start to the whole queue {time.perf_counter() - page.begun:.2f} s", flush=True)
        total = first["totals"]["groups"]
        draw = random.Random(1)
        for order in ORDERS:
            say(f"50 rows by {order}, the first time", [page.get(f"/api/rows?n=50&order={order}")[0]])
        starts = [draw.randrange(total) for _ in range(100)]
        found = [page.get(f"/api/rows?n=50&order={draw.choice(ORDERS)}&from={start}") for start in starts]
        say("50 rows anywhere", [took for took, _ in found])
        for query in ("text=DSC_0000012", "levels=similar", "across=1", "undecided=1"):
            say(f"50 rows of {query}", [page.get(f"/api/rows?n=50&{query}")[0] for _ in range(5)])
        keys = [row["key"] for _, answer in found for row in answer["rows"][:1]]
        say("a group", [page.get(f"/api/group/{key}")[0] for key in keys])
        print(f"memory {resident(page.process.pid)} MB")


def views(place: Path, photos: Path) -> None:
    folder = place / "pictures"
    folder.mkdir()
    sources = sorted(path for path in photos.rglob("*.jpg"))[:60]
    for number, source in enumerate(sources):
        with Image.open(source) as opened:
            photo = opened.convert("RGB").resize((4000, 3000))
        photo.save(folder / f"{number}.jpg", quality=92)
        photo.resize((2000, 1500)).save(folder / f"{number} (1).jpg", quality=80)
    watch = ["-q", "--state-dir", place / "state", "watch", "--once", "--quiet-seconds", "0", folder]
    subprocess.run([sys.executable, "-m", "difwatch", *watch], check=True)
    with page_of(place / "state") as page:
        rows = page.get("/api/rows?n=200")[1]["rows"]
        best = [row["refs"][0] for row in rows]
        for size in ("tensor", "320", "320", "1600", "1600"):
            say(f"view {size} of 12 megapixels", [page.get(f"/api/picture/{ref}/{size}")[0] for ref in best])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=100_000)
    parser.add_argument("--photos", type=Path, default=CORPUS / "photos" / "large")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="difwatch-review-") as name:
        with ProcessPoolExecutor(1, get_context("spawn")) as other:
            files = other.submit(make_store, Path(name) / "state", arguments.groups).result()
        print(f"{arguments.groups} groups of {files} files")
        large(Path(name) / "state")
    with tempfile.TemporaryDirectory(prefix="difwatch-review-") as name:
        views(Path(name), arguments.photos)


if __name__ == "__main__":
    main()
