"""Readers beside a daemon at work: commands without end, a reader that holds its view for ever, and second daemons.

    python -m tests.faults.readers [--seconds N]

While pictures come and go, four loops run ``status --json`` and ``report``, one connection keeps a read transaction
open from the beginning to the end, and a second daemon is tried again and again: it must be refused with the pid of
the first. No command may fail or be told that something is locked. While the old view is held, the log of the store
can only grow; when it is gone, it must go back to its limit. Prints a summary line, and every violation.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import re
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

from tests.faults.daemon_kills import tracebacks
from tests.faults.load import Load
from tests.faults.watched import Watched, differences, place

LOOPS = 4
WAL_LIMIT = 64 << 20  # the journal_size_limit of the store
ALLOWED = {"status": {0, 1, 3}, "report": {0}, "watch": {5}}
COMMANDS = (("status", "--json"), ("report",), ("status", "--json"), ("report", "--pairs", "--format", "json"))
SUSPECT = re.compile(r"locked|busy|Traceback", re.IGNORECASE)


class Tries:
    """Runs commands beside the daemon until it is told to stop, and looks at what they say."""

    def __init__(self, watched: Watched) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.violations: list[str] = []
        self._watched = watched
        self._stop = threading.Event()
        loops = [self._readers] * LOOPS + [self._second_daemons]
        self._threads = [threading.Thread(target=loop, args=(number,)) for number, loop in enumerate(loops)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _readers(self, number: int) -> None:
        while not self._stop.is_set():
            said = self._run(*COMMANDS[number % len(COMMANDS)])
            if "json" in COMMANDS[number % len(COMMANDS)][-1]:
                json.loads(said)
            number += 1

    def _second_daemons(self, _number: int) -> None:
        first = f"another difwatch (pid {self._watched.process.pid}) is working"
        while not self._stop.wait(0.5):
            said = self._run("watch", str(self._watched.folder))
            if first not in said:
                self.violations.append(f"a second daemon does not name the first one: {said}")

    def _run(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "difwatch", "--state-dir", str(self._watched.state), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.counts[arguments[0]] += 1
        if done.returncode not in ALLOWED[arguments[0]] or SUSPECT.search(done.stdout + done.stderr):
            self.violations.append(f"{arguments}: {done.returncode}: {done.stderr or done.stdout[-500:]}")
        return done.stdout if done.returncode != 5 else done.stderr


class OldView:
    """A read transaction that is held, and the size of the log of the store, which grows meanwhile."""

    def __init__(self, state: Path) -> None:
        self.largest = 0
        self._log = state / "difwatch.db-wal"
        uri = f"file:{state}/difwatch.db?mode=ro"
        self._connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        self._connection.execute("BEGIN")
        self.seen = self._count()

    def _count(self) -> int:
        return int(self._connection.execute("SELECT count(*) + total(id) FROM file").fetchone()[0])

    def size(self) -> int:
        found = self._log.stat().st_size if self._log.exists() else 0
        self.largest = max(found, self.largest)
        return found

    def end(self) -> bool:
        """End it; tells whether it still saw what it saw first."""
        same = self._count() == self.seen
        self._connection.close()
        return same


def run(seconds: float) -> tuple[str, list[str]]:
    """The summary, and the violations."""
    with place() as base, contextlib.closing(Watched(base)) as watched:
        load = Load(base / "pictures", 1)
        watched.start()
        watched.rest()
        view, tries = OldView(watched.state), Tries(watched)
        load.start()
        try:
            for _ in range(round(seconds)):
                watched.listen(1.0)
                view.size()
        finally:
            tries.end()
            same = view.end()
        watched.listen(max(2.0, seconds / 20))  # some more commits
        load.stop()
        watched.rest()
        after, found = view.size(), tries.violations
        found += [] if same else ["the old view changed"]
        found += [f"the log of the store stays at {after} bytes"] if after > WAL_LIMIT else []
        found += [f"the daemon ended with {code}"] if (code := watched.stop()) else []
        for kind, some in {**differences(watched.state, watched.folder), "touched": load.unlike()}.items():
            found += [f"{kind}: {one}" for one in some]
        said = watched.log.read_text(errors="replace")
        found += tracebacks(said) + re.findall(".*(?:locked|another process).*", said)
    return _summary(seconds, load, tries, view.largest, after), found


def _summary(seconds: float, load: Load, tries: Tries, largest: int, after: int) -> str:
    counts = tries.counts
    return (
        f"{seconds:g} s, {load.changes} changes: {counts['status']} status, {counts['report']} report, "
        f"{counts['watch']} second daemons refused; the log of the store {largest / 1e6:.1f} MB at most, "
        f"{after / 1e6:.1f} MB after the old reader; violations {len(tries.violations)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    summary, found = run(parser.parse_args().seconds)
    print(summary, *found, sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
