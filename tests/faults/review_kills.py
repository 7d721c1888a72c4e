"""An apply of five pictures from the page, killed at every system call, and with every call that changes something
failing.

    python -m tests.faults.review_kills [--quick] [--jobs N]

Each time: start it under strace, kill it right before the call, or let the call fail with EIO, then with ENOSPC. Then
settle the journal, let the store look again, and look: every picture must be there exactly once and whole, at its old
place or where it was to go; the picture to keep of each is there; the journal says where each is; nothing is left
open; undo brings all of them back; and the store has what is in the folder and nothing else.
"""

from __future__ import annotations

import functools
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from difwatch.actions.recover import recover
from difwatch.actions.undo import undo
from difwatch.model.files import FileKey
from tests.faults import interrupting
from tests.faults.interrupting import run_module
from tests.support.moving import CLOCK, journal
from tests.support.photos import photo

PICTURES = 5


@functools.cache
def model() -> Path:
    """A folder with five photos and their copies, and the store of it."""
    base = Path(tempfile.mkdtemp(prefix="difwatch-review-model-"))
    (base / "pictures" / "copies").mkdir(parents=True)
    for number in range(PICTURES):
        image = photo(number, 120, 80)
        image.save(base / "pictures" / f"{number}.jpg", quality=95)
        image.save(base / "pictures" / "copies" / f"{number}.jpg", quality=60)
    return base


class Stage:
    """A copy of the folder, and a store of its own."""

    def __init__(self) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="difwatch-review-kill-"))
        shutil.copytree(model() / "pictures", self.base / "pictures")
        self.pictures, self.out, self.state = (self.base / name for name in ("pictures", "out", "state"))
        self.before = {path.read_bytes(): path for path in self.pictures.rglob("*.jpg")}
        self.watch()

    def watch(self) -> None:
        """Bring the store up to date."""
        watch = ["watch", "--once", "--quiet-seconds", "0", self.pictures]
        command = [sys.executable, "-m", "difwatch", "-q", "--state-dir", self.state, *watch]
        subprocess.run(list(map(str, command)), check=True, stderr=subprocess.DEVNULL)

    def run(self, strace: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Carry out what the page would have decided."""
        return run_module(strace, "tests.faults.one_review", self.state, self.out)

    def violations(self, done: subprocess.CompletedProcess[str]) -> tuple[str, list[str]]:
        """Return how many pictures went, and what is not as it must be."""
        book = journal(self.state)
        recover(book, CLOCK)
        found = ["an act is still open"] if book.entries(states=["open"]) else []
        gone = [one for one in book.entries(states=["done"]) if one.kind == "move"]
        found += self._misplaced({one.source: one.target for one in gone})
        self.watch()
        found += self._forgotten()
        failed = [one for one in sorted(gone, key=lambda one: -one.id) if undo(one, book, CLOCK).state != "done"]
        found += [f"{one.source!r} cannot be put back" for one in failed]
        book.close()
        found += self._misplaced({}) if not failed else []
        return f"{len(gone)} gone", found

    def _misplaced(self, moved: dict[bytes, bytes | None]) -> list[str]:
        """Return which pictures are not exactly where they should be, and what else is there."""
        found = []
        where = [path for top in (self.pictures, self.out) for path in top.rglob("*") if path.is_file()]
        there = {path: path.read_bytes() for path in where}
        for data, home in self.before.items():
            target = moved.get(bytes(home))
            wanted = home if target is None else Path(target.decode())
            places = [path for path, other in there.items() if other == data]
            if places != [wanted]:
                found.append(f"{home.name} is at {places}, not at {wanted}")
            if target is not None and home.parent.name != "copies":
                found.append(f"{home} was the one to keep")
        return found + [f"{path} was left" for path, data in there.items() if data not in self.before]

    def _forgotten(self) -> list[str]:
        """Return how the store differs from the folder."""
        with closing(sqlite3.connect(self.state / "difwatch.db")) as connection:
            known = {bytes(path): inode for path, inode in connection.execute("SELECT path, inode FROM file")}
        there = {bytes(path): FileKey.of(path.stat()).inode for path in self.pictures.rglob("*.jpg")}
        return [] if known == there else [f"the store has {sorted(known)}, the folder {sorted(there)}"]

    def clear(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.base)


@dataclass(frozen=True)
class Apply:
    """Implements `tests.faults.interrupting.Scenario`."""

    name: str = "apply five"
    end: str = 'write(1, "all done'

    def stage(self) -> Stage:
        """Make a copy of the folder for one run."""
        return Stage()


SCENARIOS = (Apply(),)

if __name__ == "__main__":
    try:
        interrupting.main(__doc__, SCENARIOS)
    finally:
        shutil.rmtree(model())
