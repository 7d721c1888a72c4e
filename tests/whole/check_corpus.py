"""Compares difwatch with the naive twin on real photos, from the command line as a person uses it.

    python -m tests.whole.check_corpus [FOLDER] [--variants N] [--live N]

Copies the pictures of FOLDER (by default the corpus beside the checkout, with labelled variants of some of
its photos) to a temporary folder, runs ``difwatch watch --once`` for each of the settings, and compares the
pairs and groups that it reports with plain loops over the same files. Then a running daemon follows while files
are copied, renamed, rewritten and deleted at random and folders move in and out, and is compared once more. Prints
a table; exits 1 on any difference. All pairs of 2 000 pictures take the twin a minute.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np

from tests.support import naive
from tests.support.paths import CORPUS
from tests.support.running import Daemon, difwatch, path_of, reported_pairs

MSES = {"duplicates": 0.0, "similar": 5.0, "200": 200.0}


def run(state: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "difwatch", "-q", "--state-dir", str(state), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def prepare(source: Path, place: Path, photos: int) -> Path:
    """The pictures that are compared: the corpus without its broken files, and labelled variants."""
    pictures = place / "pictures"
    for part in ("photos", "drawn", "labelled"):
        if (source / part).is_dir():
            shutil.copytree(source / part, pictures / part)
    if not pictures.exists():
        shutil.copytree(source, pictures)
    maker = source / "make_variants.py"
    if maker.exists() and photos:
        arguments = [str(source / "photos" / "clothing"), str(pictures / "variants"), "--limit", str(photos)]
        subprocess.run([sys.executable, str(maker), *arguments], check=True, stdout=subprocess.DEVNULL)
    return pictures


def all_distances(pictures: list[naive.Picture]) -> np.ndarray:
    """The exact SSE of every pair (i < j) at every turn, (n, n, 4), row by row.

    int32 holds it: 7500 values of at most 255 squared are 487 687 500.
    """
    tensors = np.stack([one.tensor for one in pictures])
    flat = tensors.reshape(len(tensors), -1).astype(np.int32)
    turned = [np.rot90(tensors, turn, axes=(1, 2)).reshape(len(tensors), -1).astype(np.int32) for turn in range(4)]
    distances = np.zeros((len(tensors), len(tensors), 4), np.int32)
    for i, one in enumerate(flat):
        for turn in range(4):
            difference = turned[turn][i + 1 :] - one
            distances[i, i + 1 :, turn] = np.einsum("ij,ij->i", difference, difference)
    return distances


def expected(
    pictures: list[naive.Picture], distances: np.ndarray, mse: float, rotate: bool, same_dim: bool
) -> dict[tuple[bytes, bytes], tuple[int, int]]:
    largest = naive.limit(mse, pictures[0].tensor.size)
    found = {}
    for i, a in enumerate(pictures):
        for j in range(i + 1, len(pictures)):
            b = pictures[j]
            turns = distances[i, j] if rotate else distances[i, j, :1]
            if turns.min() > largest:
                continue
            if same_dim and sorted((a.width, a.height)) != sorted((b.width, b.height)):
                continue
            found[a.path, b.path] = (int(turns.min()), 90 * int(turns.argmin()))
    return found


def disturb(root: Path, outside: Path, count: int) -> None:
    """Do ``count`` random things to the files below a folder."""
    dice = random.Random(3)
    for number in range(count):
        files = sorted(path for path in root.rglob("*") if path.is_file())
        one, other = dice.choice(files), dice.choice(files)
        act = dice.choice(["copy", "rename", "rewrite", "delete", "folder"])
        if act == "copy":
            shutil.copy(one, other.parent / f"copy{number}{one.suffix}")
        elif act == "rename":
            one.rename(other.parent / f"renamed{number}{one.suffix}")
        elif act == "rewrite":
            other.write_bytes(one.read_bytes())
        elif act == "delete":
            one.unlink()
        elif outside.exists():
            outside.rename(root / f"back{number}")
        else:
            one.parent.rename(outside)
            one.parent.mkdir(exist_ok=True)


def live(place: Path, root: Path, count: int) -> bool:
    """Let a daemon follow while files change; True if it ends with the pairs of the twin."""
    state = place / "live"
    daemon = Daemon(state, root)
    daemon.wait_until_up_to_date()
    daemon.stop_listening()
    disturb(root, place / "outside", count)
    calm = 0
    while calm < 3:  # the heartbeat is written once a second
        status = json.loads(difwatch(state, "status", "--json").stdout)
        busy = sum(status["queue"].values()) or any(one["state"] != "watching" for one in status["folders"])
        calm = 0 if busy else calm + 1
        threading.Event().wait(1)
    ours = reported_pairs(state)
    pictures = naive.read_tree(os.fsencode(root), recipe="fast")
    theirs = naive.matched(pictures)
    daemon.end()
    verdict = "equal" if ours == theirs else f"DIFFERENT: {len(ours.keys() ^ theirs.keys())} pairs only on one side"
    print(f"daemon, after {count} changes: {len(pictures)} pictures, {len(theirs)} pairs  {verdict}")
    return ours == theirs


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=CORPUS)
    parser.add_argument("--variants", type=int, default=20, help="photos of which variants are made")
    parser.add_argument("--live", type=int, default=300, help="changes that a running daemon follows")
    arguments = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        root = prepare(arguments.folder, place, arguments.variants)
        pictures = naive.read_tree(os.fsencode(root), recipe="fast")
        distances = all_distances(pictures)
        (place / "config.toml").write_text('nmse = false\nmirror = false\nrecipe = "exact"\n')
        by_tensor = ("--config", str(place / "config.toml"))
        print(f"{len(pictures)} pictures, {len(pictures) * (len(pictures) - 1) // 2} pairs")
        print(f"{'similarity':12}{'rotate':8}{'same_dim':10}{'pairs':>8}{'groups':>8}  result")
        for similarity, rotate, same_dim in itertools.product(MSES, (True, False), (True, False)):
            flags = ["--rotate" if rotate else "--no-rotate", "--same-dim" if same_dim else "--any-size"]
            state = place / "state"
            run(
                state,
                *by_tensor,
                "watch",
                "--once",
                "--quiet-seconds",
                "0",
                "--similarity",
                similarity,
                *flags,
                str(root),
            )
            listed = json.loads(run(state, *by_tensor, "report", "--pairs", "--format", "json"))["pairs"]
            reported = json.loads(run(state, *by_tensor, "report", "--format", "json"))["groups"]
            ours = {(path_of(p, "a"), path_of(p, "b")): (p["sse"], p["rotation"]) for p in listed}
            theirs = expected(pictures, distances, MSES[similarity], rotate, same_dim)
            our_groups = {path_of(g["primary"], "path"): {path_of(m, "path") for m in g["members"]} for g in reported}
            right = ours == theirs and len(listed) == len(ours) and our_groups == naive.groups(pictures, theirs)
            failures += not right
            verdict = "equal" if right else f"DIFFERENT: {len(ours.keys() ^ theirs.keys())} pairs only on one side"
            print(
                f"{similarity:12}{rotate!s:8}{same_dim!s:10}{len(theirs):8}{len(our_groups):8}  {verdict}", flush=True
            )
        failures += not live(place, root, arguments.live)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
