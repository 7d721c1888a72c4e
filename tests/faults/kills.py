"""One act, killed at every system call it makes, and with every call that changes something failing.

    python -m tests.faults.kills [--quick] [--jobs N]

Each time: start the act under strace, kill it right before the call (which is right after the one before), or let the
call fail with EIO, then with ENOSPC. Recover from the journal, and look. Every picture must be there
exactly once and whole, with its sidecar beside it; nothing else may be left; and the journal must say where it is.
Prints for each kind of act how many kills there were, what the journal said, and every violation.
"""

from __future__ import annotations

import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from difwatch.actions.recover import recover
from tests.support.moving import NOW, journal

MISSED = "not reached"  # programs do not always make the same number of calls before the act
PROGRAM = Path(__file__).parent / "one_act.py"
PICTURE, NOTES = b"the picture" * 1000, b"the notes"
OTHER_DISK = Path("/dev/shm")
SCENARIOS = (
    "move",
    "move across",
    "move, name taken",
    "move across, name taken",
    "trash",
    "delete",
    "undo",
    "undo across",
)
# What changes something on the disk; the others are kill points as well, but not in the quick run.
CHANGING = {
    "renameat2", "linkat", "unlinkat", "mkdirat", "write", "pwrite64", "fsync", "fdatasync", "fchmod", "fchown",
    "utimensat", "setxattr", "fsetxattr", "ftruncate",
}  # fmt: skip


class Point(NamedTuple):
    """A system call: its name, the how manieth of this name it is in the program, and how it fails (None: killed)."""

    call: str
    number: int
    error: str | None


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
            assert self.run([], "move").stdout == b"done\n"

    @property
    def kind(self) -> str:
        return self.scenario.partition(" ")[0].strip(",")

    def run(self, strace: list[str], kind: str | None = None) -> subprocess.CompletedProcess[bytes]:
        paths = [self.inside / "gone.jpg", self.inside / "keep.jpg", self.out / "gone.jpg"]
        command = [sys.executable, "-I", PROGRAM, kind or self.kind, self.state]
        command += [] if (kind or self.kind) == "undo" else paths
        return subprocess.run([*strace, *command], capture_output=True, check=False)

    def violations(self) -> tuple[str, list[str]]:
        """What the journal says after recovery, and what is not as it must be."""
        book = journal(self.state)
        recover(book, lambda: NOW)
        found = []
        if book.open_entries():
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
        for top in (self.base, self.far):
            if top is not None:
                shutil.rmtree(top)


def points(scenario: str, quick: bool) -> list[Point]:
    """The system calls of the act."""
    warm = Stage(scenario)
    warm.run([])  # so that all bytecode is written
    warm.clear()
    stage = Stage(scenario)
    trace = stage.base / "trace"
    stage.run(["strace", "-f", "-o", str(trace)])
    seen: collections.Counter[str] = collections.Counter()
    found: list[Point] = []
    inside = after_change = False
    for line in trace.read_text(errors="replace").splitlines():
        called = re.match(r"\d+ +(\w+)\(", line)
        if called is None:
            continue
        name = called[1]
        seen[name] += 1
        if name == "write" and '"done' in line:
            break
        if inside:
            changes = name in CHANGING or "O_CREAT" in line
            if not quick or changes or after_change:
                found.append(Point(name, seen[name], None))
            if changes:
                found += [Point(name, seen[name], error) for error in ("EIO", "ENOSPC")]
            after_change = changes
        inside = inside or name == "getppid"
    stage.clear()
    return found


def interrupt(scenario: str, point: Point) -> tuple[str, list[str]]:
    stage = Stage(scenario)
    how = f"inject={point.call}:{f'error={point.error}' if point.error else 'signal=KILL'}:when={point.number}"
    done = stage.run(["strace", "-f", "-o", "/dev/null", "-e", f"trace={point.call}", "-e", how])
    try:
        state, found = stage.violations()
        if point.error is None and done.returncode != -9:
            return MISSED, found
        return state, found
    finally:
        stage.clear()


def interruptions(scenario: str, quick: bool, jobs: int) -> tuple[int, collections.Counter[str], list[str]]:
    """Interrupt a scenario everywhere: how often, what the journal said, and what was not as it must be."""
    todo = points(scenario, quick)
    states: collections.Counter[str] = collections.Counter()
    wrong = []
    with ThreadPoolExecutor(jobs) as pool:
        for point, (state, found) in zip(todo, pool.map(lambda one: interrupt(scenario, one), todo), strict=True):
            states[state] += 1
            wrong += [f"{scenario}: {point.call} {point.number} {point.error or 'killed'}: {one}" for one in found]
    return len(todo), states, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    total, wrong = 0, []
    for scenario in SCENARIOS:
        count, states, found = interruptions(scenario, arguments.quick, arguments.jobs)
        print(f"{scenario}: {count} interruptions {dict(states)}, violations {len(found)}", flush=True)
        total, wrong = total + count, wrong + found
    print(f"{total} interruptions, violations {len(wrong)}", *wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
