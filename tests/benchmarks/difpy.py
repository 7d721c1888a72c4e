"""difPy 4.2.1 and difwatch on the same pictures: every pair, every difference explained, times and memory.

    python -m tests.benchmarks.difpy [--corpus DIR] [--counts 500 1500 6000]

difPy is installed from PyPI in an environment of its own. The pictures are those of the corpus and labelled variants
of them, in a seeded order. Both search for similar ones (MSE 5) with turns and of any size. A pair that only one of
them reports is decided by brute force in integers, on the tensors of both.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.support import naive
from tests.support.paths import CORPUS

LIMIT = 5 * 7500
MEASURE = """
import json, resource, sys, time
def peak():
    return sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) // 1024
"""
THEIRS = (
    MEASURE
    + """
import difPy, difPy.dif
raw = []
group = difPy.dif.search._group_result_union
def capture(self, pairs):
    raw.extend(pairs)
    return group(self, pairs)
difPy.dif.search._group_result_union = capture
if __name__ == "__main__":
    start = time.perf_counter()
    dif = difPy.build(sys.argv[1], show_progress=False)
    built = time.perf_counter()
    difPy.search(dif, similarity="similar", rotate=True, same_dim=False, show_progress=False)
    ended = time.perf_counter()
    names = dif._filename_dictionary
    pairs = [(str(names[a]), str(names[b]), float(mse)) for a, b, mse in raw]
    order = [str(names[one]) for one in sorted(dif._tensor_dictionary)]
    invalid = {str(name): str(why) for name, why in dif.stats["invalid_files"]["logs"].items()}
    with open(sys.argv[2], "w") as file:
        json.dump([built - start, ended - built, peak(), pairs, order, invalid], file)
"""
)
OURS = (
    MEASURE
    + """
import difwatch
start = time.perf_counter()
dif = difwatch.build(sys.argv[1], show_progress=False)
built = time.perf_counter()
search = difwatch.search(dif, similarity="similar", rotate=True, same_dim=False, show_progress=False)
ended = time.perf_counter()
invalid = dif.stats["invalid_files"]["logs"]
with open(sys.argv[2], "w") as file:
    json.dump([built - start, ended - built, peak(), list(search.pairs()), [], invalid], file)
"""
)


def run(python: Path | str, program: str, folder: Path, place: Path) -> list[Any]:
    script, out = place / "program.py", place / "out.json"
    script.write_text(program)
    subprocess.run([python, script, folder, out], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return list(json.loads(out.read_text()))


def material(corpus: Path, place: Path, most: int) -> list[Path]:
    pictures = place / "all"
    for part in ("photos", "drawn", "labelled"):
        if (corpus / part).is_dir():
            shutil.copytree(corpus / part, pictures / part)
    there = [path for path in pictures.rglob("*") if path.is_file()]
    if len(there) < most:
        maker = [sys.executable, corpus / "make_variants.py", corpus / "photos/clothing", pictures / "variants"]
        subprocess.run([*maker, "--limit", str((most - len(there)) // 40 + 1)], check=True, stdout=subprocess.DEVNULL)
    found = sorted(path for path in pictures.rglob("*") if path.is_file() and path.suffix != ".csv")
    random.Random(1).shuffle(found)
    return found[:most]


@cache
def our_tensor(path: str) -> np.ndarray:
    return naive.read_file(path.encode()).tensor


@cache
def their_tensor(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((50, 50), resample=Image.Resampling.BICUBIC))


def turns(a: np.ndarray, b: np.ndarray) -> list[int]:
    return [naive.sse(a, np.rot90(b, turn)) for turn in range(4)]


def why_only_ours(a: str, b: str, order: dict[str, int], invalid: dict[str, str]) -> str:
    if a in invalid or b in invalid or a not in order or b not in order:
        return "difPy rejected one of the files"
    if order[a] > order[b]:
        a, b = b, a
    if len(order) > 5000 and order[b] == max(order.values()):
        return "above 5000, difPy never compares the last picture"
    theirs = turns(their_tensor(a), their_tensor(b))
    if min(theirs[:3]) > LIMIT >= theirs[3]:
        return "it matches when turned by 270 degrees, which difPy does not try"
    if min(theirs) > LIMIT:
        return "the tensors differ: orientation, transparency, 16 bits, or the order of resizing"
    return "NOT EXPLAINED"


def why_only_theirs(a: str, b: str, order: dict[str, int]) -> str:
    count = len(order)
    if order[a] > order[b]:
        a, b = b, a
    ours, theirs = turns(our_tensor(a), our_tensor(b)), turns(their_tensor(a), their_tensor(b))
    if min(theirs[:3]) <= LIMIT < min(ours):
        return "the tensors differ: orientation, transparency, 16 bits, or the order of resizing"
    wrapped = min(float(np.square(their_tensor(a) - np.rot90(their_tensor(b), turn)).mean()) for turn in range(3))
    if min(theirs[:3]) > LIMIT and count > 5000 and their_tensor(a).sum() == their_tensor(b).sum():
        return "above 5000, difPy takes equal sums for duplicates"
    if min(theirs[:3]) > LIMIT and wrapped <= 5:
        return "its MSE wraps around at 256"
    return "NOT EXPLAINED"


def why_other_mse(a: str, b: str, mse: float, order: dict[str, int]) -> str:
    count = len(order)
    if order[a] > order[b]:
        a, b = b, a
    theirs = turns(their_tensor(a), their_tensor(b))
    if mse in {one / 7500 for one in theirs[:3]}:
        ours = turns(our_tensor(a), our_tensor(b))
        return "the best turn is 270 degrees" if ours[3] == min(ours) and theirs == ours else "the tensors differ"
    wrapped = {float(np.square(their_tensor(a) - np.rot90(their_tensor(b), turn)).mean()) for turn in range(4)}
    if mse in wrapped:
        return "its MSE wraps around at 256"
    return "above 5000, its MSE is that of another pair" if count > 5000 else "NOT EXPLAINED"


def compare(count: int, theirs: list[Any], ours: list[Any]) -> None:
    their_pairs = {frozenset((a, b)): mse for a, b, mse in theirs[3]}
    our_pairs = {frozenset((a, b)): mse for a, b, mse in ours[3]}
    order = {name: number for number, name in enumerate(theirs[4])}
    both = our_pairs.keys() & their_pairs.keys()
    equal = {pair for pair in both if abs(our_pairs[pair] - their_pairs[pair]) < 1e-9}
    print(f"\n{count} pictures: {len(equal)} pairs equal with their MSE")
    other = collections.Counter(why_other_mse(*sorted(pair), their_pairs[pair], order) for pair in both - equal)
    only_ours = collections.Counter(
        why_only_ours(*sorted(pair), order, theirs[5]) for pair in our_pairs.keys() - their_pairs.keys()
    )
    only_theirs = collections.Counter(
        why_only_theirs(*sorted(pair), order) for pair in their_pairs.keys() - our_pairs.keys()
    )
    for what, reasons in (("other MSE", other), ("only ours", only_ours), ("only theirs", only_theirs)):
        for reason, number in reasons.most_common():
            print(f"  {what}: {number} ({reason})")
    for name, found in (("difPy", theirs), ("difwatch", ours)):
        print(f"  {name}: build {found[0]:.1f} s, search {found[1]:.3f} s, {found[2]} MB at most", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--counts", type=int, nargs="+", default=[500, 1500, 6000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        subprocess.run([sys.executable, "-m", "venv", place / "venv"], check=True)
        subprocess.run([place / "venv/bin/pip", "install", "-qq", "difPy==4.2.1"], check=True)
        pictures = material(arguments.corpus, place, max(arguments.counts))
        for count in arguments.counts:
            folder = place / "some"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for number, path in enumerate(pictures[:count]):
                shutil.copy(path, folder / f"{number:05}{path.suffix}")
            theirs = run(place / "venv/bin/python", THEIRS, folder, place)
            compare(len(pictures[:count]), theirs, run(sys.executable, OURS, folder, place))


if __name__ == "__main__":
    main()
