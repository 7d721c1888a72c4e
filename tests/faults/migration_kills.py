"""``difwatch db upgrade`` of released stores, killed at every system call, and with every call that changes failing.

    python -m tests.faults.migration_kills [--quick] [--jobs N]

Each time: upgrade a copy of a released store under strace, kill it right before the call (which is right after the
one before), or let the call fail with EIO, then with ENOSPC. Then the store must be whole, with all its rows, at the
old or at the newest schema; the command, given again, must bring it to the newest one; and a whole copy of the old
one must be beside it. Prints for each store how many interruptions there were, where it was then, and each violation.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import gzip
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from difwatch.store import schema
from tests.faults.kills import MISSED, Point
from tests.support.paths import STORES

PROGRAM = Path(__file__).parent / "one_upgrade.py"
OLD = ("0001", "0003")
TABLES = ("file", "content", "tensor", "tensor_data", "match", "setting")
CHANGING = {
    "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "unlink", "unlinkat", "rename", "renameat", "renameat2",
    "mkdir", "fchmod", "fchown",
}  # fmt: skip
# The same calls each time: no bytecode is written, sets have one order, nothing runs in threads.
STEADY = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}


def unpack(version: str, state: Path) -> Path:
    """A copy of a released store in a state directory."""
    state.mkdir(exist_ok=True)
    store = state / "difwatch.db"
    store.write_bytes(gzip.decompress((STORES / f"{version}.db.gz").read_bytes()))
    return store


class Content(NamedTuple):
    """What SQLite says of a store, the schema it is at, and its rows by table."""

    sound: str
    version: str
    rows: dict[str, list[dict[str, object]]]

    def has(self, before: Content) -> bool:
        """Whether the rows of an older store are all there, and no others; there may be more columns."""
        return all(
            len(rows) == len(self.rows[name])
            and all(old.items() <= new.items() for old, new in zip(rows, self.rows[name], strict=True))
            for name, rows in before.rows.items()
        )


def content(store: Path) -> Content:
    """What is in a store; only a copy of it is opened, which may change it."""
    with tempfile.TemporaryDirectory(prefix="difwatch-look-") as name:
        copy = Path(name) / store.name
        for end in ("", "-wal", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{store}{end}", f"{copy}{end}")
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            connection.row_factory = sqlite3.Row
            sound = connection.execute("PRAGMA quick_check").fetchone()[0]
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            rows = {name: list(map(dict, connection.execute(f'SELECT * FROM "{name}"'))) for name in TABLES}
    return Content(sound, version, rows)


class Stage:
    """A copy of a released store, to be upgraded."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.state = Path(tempfile.mkdtemp(prefix="difwatch-upgrade-"))
        self.store = unpack(version, self.state)
        self.before = content(self.store)

    def run(self, strace: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        command = [*strace, sys.executable, str(PROGRAM), str(self.state)]
        return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **STEADY})

    def violations(self) -> tuple[str, list[str]]:
        """The schema that the store is at, and what is not as it must be, then and after another try."""
        then = content(self.store)
        found = [] if then.sound == "ok" else [f"damaged: {then.sound}"]
        found += [] if then.version in (self.version, schema.HEAD) else [f"the schema is {then.version}"]
        found += [] if then.has(self.before) else ["rows are missing or changed"]
        done = self.run()
        found += [] if done.returncode == 0 else [f"the next try ended with {done.returncode}: {done.stderr}"]
        after = content(self.store)
        if (after.sound, after.version) != ("ok", schema.HEAD) or not after.has(self.before):
            found.append(f"after the next try: {after.sound}, schema {after.version}, or rows are missing or changed")
        copy = self.store.with_name(f"{self.store.name}.before-{schema.HEAD}")
        if not copy.exists():
            found.append("there is no copy")
        elif (kept := content(copy)) != self.before:
            found.append(f"the copy is not the old store: {kept.sound}, schema {kept.version}")
        return then.version, found

    def clear(self) -> None:
        shutil.rmtree(self.state)


def points(version: str, quick: bool) -> list[Point]:
    """The system calls of the upgrade; the quick choice are those that change something, and the ones right after."""
    stage = Stage(version)
    trace = stage.state / "trace"
    stage.run(("strace", "-f", "-o", str(trace)))
    seen: collections.Counter[str] = collections.Counter()
    found: list[Point] = []
    inside = after_change = False
    for line in trace.read_text(errors="replace").splitlines():
        called = re.match(r"\d+ +(\w+)\(", line)
        if called is None:
            continue
        name = called[1]
        seen[name] += 1
        if name == "exit_group":
            break
        if inside:
            changes = (name in CHANGING or "O_CREAT" in line) and " write(1," not in line
            if not quick or changes or after_change:
                found.append(Point(name, seen[name], None))
            if changes:
                found += [Point(name, seen[name], error) for error in ("EIO", "ENOSPC")]
            after_change = changes
        inside = inside or name == "getppid"
    stage.clear()
    return found


def interrupt(version: str, point: Point) -> tuple[str, list[str]]:
    """Interrupt one upgrade; gives the schema that the store was at then, and what is not as it must be."""
    stage = Stage(version)
    how = f"inject={point.call}:{f'error={point.error}' if point.error else 'signal=KILL'}:when={point.number}"
    done = stage.run(("strace", "-f", "-o", "/dev/null", "-e", f"trace={point.call}", "-e", how))
    try:
        state, found = stage.violations()
        if "Traceback" in done.stderr:
            found.append(f"it ended with a traceback: {done.stderr.splitlines()[-1]}")
        if point.error is None and done.returncode != -9:
            return MISSED, found
        return state, found
    finally:
        stage.clear()


def interruptions(
    version: str, quick: bool, jobs: int, most: int | None = None
) -> tuple[int, collections.Counter[str], list[str]]:
    """Interrupt an upgrade everywhere, or at so many places: how often, where it was then, and every violation."""
    todo = points(version, quick)
    if most is not None:
        todo = todo[:: -(-len(todo) // most)]
    states: collections.Counter[str] = collections.Counter()
    wrong = []
    with ThreadPoolExecutor(jobs) as pool:
        for point, (state, found) in zip(todo, pool.map(lambda one: interrupt(version, one), todo), strict=True):
            states[state] += 1
            wrong += [f"{version}: {point.call} {point.number} {point.error or 'killed'}: {one}" for one in found]
    return len(todo), states, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    total, wrong = 0, []
    for version in OLD:
        count, states, found = interruptions(version, arguments.quick, arguments.jobs)
        print(f"{version}: {count} interruptions {dict(states)}, violations {len(found)}", flush=True)
        total, wrong = total + count, wrong + found
    print(f"{total} interruptions, violations {len(wrong)}", *wrong, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
