"""The daemon, killed at random instants while pictures come, change and go.

    python -m tests.faults.daemon_kills [KILLS] [--seed S]

Each time it is started again at once and killed after a random delay: during the start, the walk, or at work. Every
50 kills it may come to rest and is ended in order; then its store must be as the folder: no file lost, none too many,
each with the digest of its bytes, all pairs as the twin finds them, both databases sound. Workers of a killed daemon
must end by themselves. Prints how it is after each 50 kills, a summary line, and every violation.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import random
import re
import statistics
import sys
from dataclasses import dataclass, field

from tests.faults.load import Load
from tests.faults.watched import Watched, differences, place

EVERY = 50
SHORTEST = 0.2  # seconds before a kill
KINDS = (
    "lost", "ghost", "wrong", "pairs wrong", "not sound", "put aside", "touched", "ended", "tracebacks",
    "workers left",
)  # fmt: skip


@dataclass
class Result:
    """What came of the kills; ``found`` are the violations by their kind."""

    kills: int = 0
    changes: int = 0
    released: int = 0
    found: collections.Counter[str] = field(default_factory=collections.Counter)
    details: list[str] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)

    def add(self, kind: str, some: list[str]) -> None:
        self.found[kind] += len(some)
        self.details += [f"after {self.kills} kills: {kind}: {one}" for one in some]

    def summary(self) -> str:
        counts = ", ".join(f"{kind} {self.found[kind]}" for kind in KINDS)
        ready = [f"{one:.2f} s" for one in (statistics.median(self.restarts), max(self.restarts))]
        return (
            f"{self.kills} kills, {self.changes} changes, {self.released} times 'forget': {counts}; "
            f"restart to READY: median {ready[0]}, max {ready[1]} of {len(self.restarts)}"
        )


def run(kills: int, seed: int, longest: float = 2.5, say: bool = False) -> Result:
    """Kill it so often."""
    dice, result = random.Random(seed), Result()
    with place() as base, contextlib.closing(Watched(base)) as watched:
        load = Load(base / "pictures", seed)
        check(watched, load, result)
        load.start()
        try:
            for _ in range(kills):
                watched.start()
                most = max([longest, *(2 * one for one in watched.restarts[-1:])])  # on a busy machine it starts late
                watched.listen(dice.uniform(SHORTEST, most))
                if not watched.kill():
                    result.add("ended", [f"by itself with {watched.process.returncode}"])
                result.kills += 1
                if result.kills % EVERY == 0 or result.kills == kills:
                    check(watched, load, result)
                    if say:
                        print(result.summary(), flush=True)
                    load.start()
        finally:
            load.stop()
    return result


def check(watched: Watched, load: Load, result: Result) -> None:
    """Let it come to rest, end it, and compare."""
    watched.start()
    watched.listen(SHORTEST * 10)
    load.stop()
    watched.rest()
    code = watched.stop()
    if code:
        result.add("ended", [f"in order with {code}"])
    for kind, some in differences(watched.state, watched.folder).items():
        result.add(kind, some)
    result.add("touched", load.unlike())
    said = watched.log.read_text(errors="replace")
    result.add("tracebacks", tracebacks(said))
    result.add("workers left", [str(pid) for pid in watched.leftovers])
    watched.log.unlink()
    watched.leftovers.clear()
    result.restarts, result.changes, result.released = list(watched.restarts), load.changes, watched.released


def tracebacks(said: str) -> list[str]:
    """The last place and the error of each traceback in a log."""
    found = re.finditer(r"^Traceback .*\n((?:  .*\n)*)(.*)", said, re.MULTILINE)
    return [f"{re.findall('File .*/(difwatch/.*)', one[1])[-1:]} {one[2]}" for one in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kills", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    result = run(arguments.kills, arguments.seed, say=True)
    print(result.summary(), *result.details, sep="\n")
    sys.exit(bool(result.details))


if __name__ == "__main__":
    main()
