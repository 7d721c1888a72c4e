"""One act, killed at every system call it makes, and with every call that changes something failing.

    python -m tests.faults.kills [--quick] [--jobs N]

Each time: start the act under strace, kill it right before the call (which is right after the one before), or let the
call fail with EIO, then with ENOSPC. Recover from the journal, and look. Every picture must be there
exactly once and whole, with its sidecar beside it; nothing else may be left; and the journal must say where it is.
Prints for each kind of act how many kills there were, what the journal said, and every violation.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from difwatch.actions.recover import recover
from tests.faults import interrupting
from tests.faults.interrupting import run_module
from tests.support.moving import CLOCK, journal

PICTURE, NOTES = b"the picture" * 1000, b"the notes"
OTHER_DISK = Path("/dev/shm")


class Stage:
    """Folders for one run of a scenario."""

    def __init__(self, scenario: str) -> None:
        self.scenario = scenario
        self.base = Path(tempfile.mkdtemp(prefix="difwatch-kill-"))
        self.far = Path(tempfile.mkdtemp(prefix="difwatch-kill-", dir=OTHER_DISK)) if "across" in scenario else None
        self.inside, self.out, self.state = self.base / "in", (self.far or self.base) / "out", self.base / "state"
        for folder in (self.inside, self.out):
            folder.mkdir()
        for name in ("keep.jpg", "gone.jpg"):
            (self.inside / name).write_bytes(PICTURE)
        if self.kind != "delete":  # with a sidecar, it would refuse
            (self.inside / "gone.xmp").write_bytes(NOTES)
        if "taken" in scenario:
            (self.out / "gone.jpg").write_bytes(b"taken")
        if scenario.startswith("undo"):
            assert self.run([], "move").stdout == "done\n"

    @property
    def kind(self) -> str:
        return self.scenario.partition(" ")[0].strip(",")

    def run(self, strace: Sequence[str], kind: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the act, or another one on the same files."""
        paths = [self.inside / "gone.jpg", self.inside / "keep.jpg", self.out / "gone.jpg"]
        kind = kind or self.kind
        return run_module(strace, "tests.faults.one_act", kind, self.state, *([] if kind == "undo" else paths))

    def violations(self, done: subprocess.CompletedProcess[str]) -> tuple[str, list[str]]:
        """Return what the journal says after recovery, and what is not as it must be."""
        book = journal(self.state)
        recover(book, CLOCK)
        found = []
        if book.entries(states=["open"]):
            found.append("an act is still open")
        entries = [one for one in book.entries() if one.kind == self.kind]
        pictures = [one for one in entries if one.picture is None]
        state = pictures[-1].state if pictures else "nothing"
        book.close()
        files = [path for top in (self.base, self.far) if top for path in top.rglob("*") if path.is_file()]
        files = [path for path in files if self.state not in path.parents or "Trash" in path.parts]
        found += [f"{path.name} was left" for path in files if path.name.startswith(".difwatch")]
        gone = self.kind == "delete" and state == "done"
        for data, wanted in ((PICTURE, 1 if gone else 2), (NOTES, 0 if self.kind == "delete" else 1)):
            there = [path for path in files if path.read_bytes() == data]
            if len(there) != wanted:
                found.append(f"{data[:11]!r} is there {len(there)} times, not {wanted} times")
        if not (self.inside / "keep.jpg").exists():
            found.append("the picture to keep is gone")
        home = (self.inside / "gone.jpg").exists()
        moved_back = self.kind == "undo"
        if home != ((state == "done") == moved_back):
            found.append(f"the journal says {state}, and the picture is {'' if home else 'not '}at its old place")
        if self.kind != "delete" and (self.inside / "gone.xmp").exists() != home:
            found.append("picture and sidecar are apart")
        known = {PICTURE, NOTES, b"taken"}
        found += [
            f"{path} is something else"
            for path in files
            if path.suffix != ".trashinfo" and path.read_bytes() not in known
        ]
        notes = [path for path in files if path.suffix == ".trashinfo"]
        if self.kind == "trash" and len(notes) != (2 if state == "done" else 0):
            found.append(f"{len(notes)} notes in the waste basket")
        return state, found

    def clear(self) -> None:
        """Remove the folders."""
        for top in (self.base, self.far):
            if top is not None:
                shutil.rmtree(top)


@dataclass(frozen=True)
class OneAct:
    """One kind of act; implements `tests.faults.interrupting.Scenario`."""

    name: str
    end: str = 'write(1, "done'

    def stage(self) -> Stage:
        """Make folders for one run."""
        return Stage(self.name)


SCENARIOS = tuple(
    map(
        OneAct,
        (
            "move",
            "move across",
            "move, name taken",
            "move across, name taken",
            "trash",
            "delete",
            "undo",
            "undo across",
        ),
    )
)

if __name__ == "__main__":
    interrupting.main(__doc__, SCENARIOS)
