"""A program that is interrupted at every system call it makes, and what must be true afterwards.

First a run is traced by strace, to learn its system calls. Then it is run anew for each of them: killed right before
the call (which is right after the one before), and, where the call changes something on the disk, with the call
failing with EIO, then with ENOSPC. After each run its stage is looked at. A scenario says which program that is, and
what must be true.
"""

from __future__ import annotations

import argparse
import collections
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol

from tests.support.paths import ROOT

MISSED = "not reached"
"""The state after a run that ended before it was killed: not all runs make the same number of calls."""

# What changes something on the disk; the others are kill points as well, but not in the quick run.
_CHANGING = {
    "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "link", "linkat", "unlink", "unlinkat", "rename",
    "renameat", "renameat2", "mkdir", "mkdirat", "fchmod", "fchown", "utimensat", "setxattr", "fsetxattr",
}  # fmt: skip
# The same calls each time: no bytecode is written, sets have one order, nothing runs in threads.
_STEADY = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}


class Stage(Protocol):
    """What one run works on: files of its own."""

    def run(self, strace: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run the program on it, by `run_module`."""

    def violations(self, done: subprocess.CompletedProcess[str]) -> tuple[str, list[str]]:
        """Return in which state an interrupted run left it, in a word, and all that is not as it must be."""

    def clear(self) -> None:
        """Remove it."""


class Scenario(Protocol):
    """A program to be interrupted. It calls ``os.getppid()`` where it begins, when everything is loaded.

    Attributes
    ----------
    name
        For people.
    end
        How the line of the trace begins with which it ends, such as ``exit_group(``.
    """

    name: str
    end: str

    def stage(self) -> Stage:
        """Make a stage for one run."""


class Point(NamedTuple):
    """A system call: its name, the how manieth of this name it is in the program, and how it fails (None: killed)."""

    call: str
    number: int
    error: str | None


class Interruptions(NamedTuple):
    """How many there were, how often each state was left, and everything that was not as it must be."""

    count: int
    states: collections.Counter[str]
    wrong: list[str]


def run_module(strace: Sequence[str], module: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a module of this checkout as a program that makes the same system calls each time."""
    command = [*strace, sys.executable, "-m", module, *map(str, arguments)]
    environment = {**os.environ, **_STEADY}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)


def interruptions(scenario: Scenario, quick: bool, jobs: int, most: int | None = None) -> Interruptions:
    """Interrupt a program everywhere, so many runs at once.

    Parameters
    ----------
    scenario
        The program.
    quick
        Kill it only right before and right after calls that change something.
    jobs
        How many runs at once.
    most
        Interrupt it at so many places at the most, evenly spread; everywhere if None.
    """
    todo = points(scenario, quick)
    if most is not None:
        todo = todo[:: -(-len(todo) // most)]
    states: collections.Counter[str] = collections.Counter()
    wrong = []
    with ThreadPoolExecutor(jobs) as pool:
        for point, (state, found) in zip(todo, pool.map(lambda one: _interrupt(scenario, one), todo), strict=True):
            states[state] += 1
            where = f"{scenario.name}: {point.call} {point.number} {point.error or 'killed'}"
            wrong += [f"{where}: {one}" for one in found]
    return Interruptions(len(todo), states, wrong)


def points(scenario: Scenario, quick: bool) -> list[Point]:
    """Return where a program can be interrupted."""
    seen: collections.Counter[str] = collections.Counter()
    found: list[Point] = []
    inside = after_change = False
    for name, call in _calls(scenario):
        seen[name] += 1
        if call.startswith(scenario.end):
            break
        if inside:
            changes = (name in _CHANGING or "O_CREAT" in call) and not call.startswith("write(1,")
            if not quick or changes or after_change:
                found.append(Point(name, seen[name], None))
            if changes:
                found += [Point(name, seen[name], error) for error in ("EIO", "ENOSPC")]
            after_change = changes
        inside = inside or name == "getppid"
    return found


def _calls(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Yield the system calls of a whole run: the name of each, and how strace shows it."""
    with tempfile.TemporaryDirectory(prefix="difwatch-trace-") as place:
        trace = Path(place) / "trace"
        stage = scenario.stage()
        stage.run(["strace", "-f", "-o", str(trace)])
        stage.clear()
        for line in trace.read_text(errors="replace").splitlines():
            called = re.match(r"\d+ +((\w+)\(.*)", line)
            if called is not None:
                yield called[2], called[1]


def _interrupt(scenario: Scenario, point: Point) -> tuple[str, list[str]]:
    stage = scenario.stage()
    how = f"inject={point.call}:{f'error={point.error}' if point.error else 'signal=KILL'}:when={point.number}"
    try:
        done = stage.run(["strace", "-f", "-o", "/dev/null", "-e", f"trace={point.call}", "-e", how])
        state, found = stage.violations(done)
        return MISSED if point.error is None and done.returncode != -9 else state, found
    finally:
        stage.clear()


def main(description: str | None, scenarios: Iterable[Scenario]) -> None:
    """Interrupt programs everywhere, as a program of its own; ends with 1 if something was not as it must be."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    total, wrong = 0, []
    for scenario in scenarios:
        count, states, found = interruptions(scenario, arguments.quick, arguments.jobs)
        print(f"{scenario.name}: {count} interruptions {dict(states)}, violations {len(found)}", flush=True)
        total, wrong = total + count, wrong + found
    print(f"{total} interruptions, violations {len(wrong)}", *wrong, sep="\n")
    sys.exit(bool(wrong))
