"""Writes the stores of released schemas below tests/support/stores. Run once for each; the files are what counts.

    python -m tests.support.make_stores [SCHEMA...]

Each store is made by the last commit with that schema, in a worktree of its own, by the command ``watch --once`` over
the same few pictures in /pictures, which must not exist and is removed afterwards. The file is packed as it is.
A new schema gets a line in COMMITS when it is released; a test fails until its store is there.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.paths import STORES

COMMITS = {
    "0001": "3266b6d", "0002": "c062b4f", "0003": "85de22d", "0004": "9783ccf", "0005": "9070cdc", "0006": "eb16485",
    "0007": "a2e6afe", "0008": "e1f5329", "0009": "94b4045", "0010": "234da4f", "0011": "02bd041",
}  # fmt: skip
PICTURES = Path("/pictures")
PX = 10


def make_pictures(folder: Path) -> None:
    """Two equal pictures, a similar one, a turned one, another one, and one that cannot be read."""
    rng = np.random.default_rng(1)
    first, other = rng.integers(0, 250, (2, 24, 36, 3), dtype=np.uint8)
    folder.mkdir()
    Image.fromarray(first).save(folder / "a.png")
    shutil.copyfile(folder / "a.png", folder / "equal.png")
    Image.fromarray(first + np.uint8(1)).save(folder / "similar.png")
    Image.fromarray(np.rot90(first)).save(folder / "turned.png")
    Image.fromarray(other).save(folder / "other.png")
    (folder / "unreadable.png").write_bytes((folder / "a.png").read_bytes()[:200])


def make_store(schema: str) -> None:
    """One store, by the program that had this schema."""
    with tempfile.TemporaryDirectory(prefix="difwatch-release-") as name:
        tree, state = Path(name) / "tree", Path(name) / "state"
        git = ["git", "-C", str(STORES), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), COMMITS[schema]], check=True)
        try:
            command = [sys.executable, "-m", "difwatch", "--state-dir", str(state), "watch", "--once"]
            command += ["--px-size", str(PX), "--quiet-seconds", "0", str(PICTURES)]
            subprocess.run(command, cwd=tree, check=True)
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)
        packed = gzip.compress((state / "difwatch.db").read_bytes(), mtime=0)
        (STORES / f"{schema}.db.gz").write_bytes(packed)


def main() -> None:
    STORES.mkdir(exist_ok=True)
    make_pictures(PICTURES)
    try:
        for schema in sys.argv[1:] or COMMITS:
            make_store(schema)
    finally:
        shutil.rmtree(PICTURES)


if __name__ == "__main__":
    main()
