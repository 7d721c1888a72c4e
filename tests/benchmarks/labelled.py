"""How many copies are found, and how many pictures are called copies that are none.

    python -m tests.benchmarks.labelled [--limit N] [--papers N] [--others] [--photos DIR]

The pictures: N photos in 46 labelled variants each (``../shared/corpus/make_variants.py``), the other photos of the
corpus, a messenger copy of each of those (60 % of the size, JPEG 70), letterboxed screenshots of 40 photos, and
papers that look alike (`tests.benchmarks.papers`). All are indexed once; the pairs are then read at each similarity,
with and without
mirrored ones. A pair of files from one photo is a copy, any other pair is false. ``--others`` runs
difPy 4.2.1, duplicate_images 0.11.9 and czkawka 0.1.2 (the bindings of czkawka_core 10; all from PyPI) over the same
files, and findimagedupes if it is installed. Every pair of a group that a program reports counts.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image

from tests.benchmarks.papers import letterboxed, write_papers
from tests.support.paths import ROOT

CORPUS = ROOT.parent / "shared" / "corpus"
DIFPY = """
import json, sys, difPy
if __name__ == "__main__":
    dif = difPy.build(sys.argv[1], show_progress=False)
    search = difPy.search(dif, similarity="similar", rotate=True, same_dim=False, show_progress=False)
    print(json.dumps(search.result))
"""
CZKAWKA = """
import json, sys, czkawka
finder = czkawka.ImageSimilarity()
finder.set_directories([sys.argv[1]])
finder.set_similarity(int(sys.argv[2]))
print(json.dumps([[str(path) for path in group] for group in finder.find_similar()]))
"""
SETTINGS = [
    (name, mirror) for name in ("duplicates", "similar", "normal", "loose") for mirror in ("--no-mirror", "--mirror")
]
LETTERBOXES = 40


class Labelled:
    """The files, and which photo each is from."""

    def __init__(self, top: Path, photos: Path, limit: int, papers: int) -> None:
        self.top = top
        command = [sys.executable, CORPUS / "make_variants.py", photos, top / "variants"]
        subprocess.run([*command, "--limit", str(limit)], check=True, stdout=subprocess.DEVNULL)
        used = {path.read_bytes() for path in (top / "variants/original").iterdir()}
        others = sorted(path for path in photos.rglob("*.jpg") if path.read_bytes() not in used)
        (top / "others").mkdir()
        (top / "messenger").mkdir()
        (top / "letterbox").mkdir()
        for number, path in enumerate(others):
            shutil.copyfile(path, top / "others" / f"o{number}.jpg")
            with Image.open(path) as opened:
                small = opened.convert("RGB")
            small = small.resize((round(small.width * 0.6), round(small.height * 0.6)), Image.Resampling.LANCZOS)
            small.save(top / "messenger" / f"o{number}.jpg", quality=70)
        for number, (path, screen) in enumerate(letterboxed(others)):
            if number < LETTERBOXES:
                screen.save(top / "letterbox" / f"o{others.index(path)}.jpg", quality=80)
        write_papers(top / "papers", papers)
        (top / "variants/pairs.csv").unlink()

    def files(self) -> list[Path]:
        return sorted(path for path in self.top.rglob("*") if path.is_file() and "state" not in path.parts)

    @staticmethod
    def source(path: str) -> tuple[str, str]:
        """Which photo a file is from."""
        place = Path(path)
        return ("photo", place.stem) if "papers" not in place.parts else ("paper", str(place))

    @staticmethod
    def kind(path: str) -> str:
        place = Path(path)
        return "papers" if "papers" in place.parts else place.parent.name

    def table(self, pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, float], str]:
        """The share of each kind of variants whose original was found, and the number of false pairs by kind."""
        found: dict[str, set[str]] = collections.defaultdict(set)
        false: collections.Counter[str] = collections.Counter()
        for a, b in pairs:
            if self.source(a) != self.source(b):
                false[Path(a).parent.name if "papers" in Path(a).parts else "photos"] += 1
                continue
            for original, variant in ((a, b), (b, a)):
                if self.kind(original) in ("original", "others"):
                    found[self.kind(variant)].add(variant)
        every = collections.Counter(self.kind(str(path)) for path in self.files())
        kinds = sorted(every.keys() - {"original", "others", "papers"})
        return {kind: len(found[kind]) / every[kind] for kind in kinds}, ", ".join(
            f"{count} of {kind}" for kind, count in sorted(false.items())
        ) or "0"


def read(state: Path, *flags: str) -> list[tuple[str, str, str]]:
    command = [
        sys.executable,
        "-m",
        "difwatch",
        "--state-dir",
        state,
        "report",
        "--pairs",
        "--format",
        "json",
        *flags,
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [(pair["a"], pair["b"], pair["level"]) for pair in json.loads(said)["pairs"]]


def difwatch(labelled: Labelled) -> None:
    state = labelled.top / "state"
    begun = time.monotonic()
    command = [sys.executable, "-m", "difwatch", "--state-dir", state, "--quiet", "watch", "--once"]
    subprocess.run([*command, "--quiet-seconds", "0", labelled.top], check=True, stderr=subprocess.DEVNULL)
    print(f"difwatch watch --once: {time.monotonic() - begun:.1f} s, {len(labelled.files())} files")
    rows: dict[str, dict[str, float]] = {}
    for name, mirror in SETTINGS:
        pairs = read(state, "--similarity", name, mirror)
        rows[f"{name} {mirror}"], false = labelled.table((a, b) for a, b, _ in pairs)
        similar, false_similar = labelled.table((a, b) for a, b, level in pairs if level != "edited")
        print(
            f"{name:10} {mirror:11}: {variants(rows[f'{name} {mirror}']):5.1%} of the variants found, "
            f"false pairs: {false}; not edited: {variants(similar):5.1%}, false: {false_similar}"
        )
    table = rows["normal --mirror"]
    plain = rows["normal --no-mirror"]
    print("\nfound at normal, without and with mirrored ones:")
    for kind, share in table.items():
        print(f"  {kind:18} {plain[kind]:7.1%} {share:7.1%}")


def variants(table: dict[str, float]) -> float:
    """The mean over the labelled kinds."""
    shares = [share for kind, share in table.items() if kind not in ("messenger", "letterbox")]
    return sum(shares) / len(shares)


def others(labelled: Labelled) -> None:
    """What other programs find; the slowest comes last."""
    if shutil.which("findimagedupes"):
        said = run(["findimagedupes", "-t", "90%", "--", *(str(path) for path in labelled.files())])
        report("findimagedupes -t 90%", labelled, (line.split() for line in said.splitlines()))
    duplicate_images(labelled)
    czkawka(labelled)
    difpy(labelled)


def duplicate_images(labelled: Labelled) -> None:
    """By its default, equal perceptual hashes of 64 bits, and with up to 4 bits that differ."""
    with installed("duplicate_images==0.11.9") as place:
        for distance in ("0", "4"):
            said = run([f"{place}/bin/find-dups", "--parallel", "--max-distance", distance, str(labelled.top)])
            pairs = (line.split() for line in said.splitlines())
            report(f"duplicate_images 0.11.9, phash, distance {distance}", labelled, pairs)


def czkawka(labelled: Labelled) -> None:
    """Its bindings know gradient hashes of 64 bits only, for which 2 is czkawka's own preset; theirs is 10."""
    with installed("czkawka==0.1.2") as place:
        (place / "run.py").write_text(CZKAWKA)
        for similarity in ("2", "10"):
            said = run([f"{place}/bin/python", f"{place}/run.py", str(labelled.top), similarity])
            report(f"czkawka 0.1.2, similarity {similarity}", labelled, json.loads(said.splitlines()[-1]))


def difpy(labelled: Labelled) -> None:
    with installed("difPy==4.2.1") as place:
        (place / "run.py").write_text(DIFPY)
        said = run([f"{place}/bin/python", f"{place}/run.py", str(labelled.top)])
        found = json.loads(said.splitlines()[-1])
        groups = [[best, *(other for other, _ in others)] for best, others in found.items()]
        report("difPy 4.2.1, similar, any size", labelled, groups)


@contextlib.contextmanager
def installed(package: str) -> Iterator[Path]:
    """A package from PyPI in an environment of its own."""
    with tempfile.TemporaryDirectory(prefix=f"difwatch-{package.partition('=')[0]}-") as name:
        subprocess.run([sys.executable, "-m", "venv", name], check=True)
        subprocess.run([f"{name}/bin/pip", "install", "-qq", package], check=True)
        yield Path(name)


def report(name: str, labelled: Labelled, groups: Iterable[list[str]]) -> None:
    pairs = [(a, b) for group in groups for number, a in enumerate(group) for b in group[number + 1 :]]
    table, false = labelled.table(pairs)
    print(f"{name}: {variants(table):5.1%} of the variants found, false pairs: {false}")


def run(command: list[str]) -> str:
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    print(f"{command[0]}: {time.monotonic() - begun:.1f} s")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, default=CORPUS / "photos")
    parser.add_argument("--limit", type=int, default=60, help="photos of which there are 46 variants")
    parser.add_argument("--papers", type=int, default=50, help="papers of each kind")
    parser.add_argument("--others", action="store_true", help="run other programs as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="difwatch-labelled-") as name:
        labelled = Labelled(Path(os.path.realpath(name)), arguments.photos, arguments.limit, arguments.papers)
        difwatch(labelled)
        if arguments.others:
            others(labelled)


if __name__ == "__main__":
    main()
