"""Moving pictures while disks fail: power cuts, full and read-only destinations.

    python -m tests.faults.disks [--cuts N]     (as root: it mounts file systems of its own)

A power cut is the ioctl FS_IOC_SHUTDOWN on an ext4 file system in a file: what was not synced by then is gone. After
it is mounted again and the journal has recovered, every acknowledged move must be there, and every picture once.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import random
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from difwatch.actions.move import Outcome, carry_out
from difwatch.actions.recover import recover
from difwatch.errors import DifwatchError
from tests.support.moving import CLOCK, act, journal, rules

FS_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
MOVES = 40


@contextlib.contextmanager
def mounted(*options: str, at: Path | None = None) -> Iterator[Path]:
    """A file system of its own, at a place or in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="difwatch-disk-") as name:
        place = at or Path(name) / "disk"
        place.mkdir(exist_ok=True)
        subprocess.run(["mount", *options, str(place)], check=True, capture_output=True)
        try:
            yield place
        finally:
            subprocess.run(["umount", str(place)], check=True)


def image(path: Path) -> None:
    """An empty ext4 in a file."""
    with path.open("wb") as file:
        file.truncate(48 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(path)], check=True, capture_output=True)


def is_possible() -> str | None:
    """Why this cannot be done here; None if it can."""
    if os.getuid() != 0:
        return "only root can mount file systems"
    with tempfile.TemporaryDirectory() as name:
        try:
            image(Path(name) / "image")
            with mounted("-o", "loop", str(Path(name) / "image")):
                return None
        except (OSError, subprocess.CalledProcessError) as error:
            return f"no file system can be mounted here ({error})"


def cut(seed: int, across: bool) -> tuple[int, list[str]]:
    """Cut the power at some moment of many moves; gives how many were acknowledged, and what is not as it must be."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="difwatch-cut-") as name:
        disk = Path(name) / "image"
        image(disk)
        far = Path(name) / "far"
        far.mkdir()
        with mounted("-o", "loop", str(disk), at=Path(name) / "disk") as place:
            (place / "in").mkdir()
            for number in range(MOVES):
                (place / f"in/{number}.jpg").write_bytes(b"same picture")
            (place / "in/keep.jpg").write_bytes(b"same picture")
            os.sync()
            acknowledged = _moves_until(place, far if across else place / "out", rng.random() * 0.2)
        with mounted("-o", "loop", str(disk), at=Path(name) / "disk") as place:
            return len(acknowledged), _violations(place, far if across else place / "out", acknowledged)


def _moves_until(place: Path, out: Path, seconds: float) -> list[int]:
    """The numbers of the moves that were said to be done before the power went."""
    acknowledged: list[int] = []
    top = os.open(place, os.O_RDONLY)
    timer = threading.Timer(seconds, fcntl.ioctl, (top, FS_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH)))
    with contextlib.suppress(DifwatchError, OSError), contextlib.closing(journal(place / "state")) as book:
        found = rules(place)
        timer.start()
        for number in range(MOVES):  # until the disk goes away under it
            planned = act(place / f"in/{number}.jpg", place / "in/keep.jpg", out / f"{number}.jpg")
            if carry_out(planned, book, found).state == "done":
                acknowledged.append(number)
    timer.join()
    os.close(top)
    return acknowledged


def _violations(place: Path, out: Path, acknowledged: list[int]) -> list[str]:
    book = journal(place / "state")
    recover(book, CLOCK)
    wrong = ["acts are open"] if book.entries(states=["open"]) else []
    book.close()
    here, there = (
        {path.name for path in folder.iterdir()} if folder.exists() else set() for folder in (place / "in", out)
    )
    wrong += [
        f"{number} was acknowledged and is not there" for number in acknowledged if f"{number}.jpg" not in there
    ]
    wrong += [f"{name} is left" for name in here | there if name.startswith(".difwatch")]
    for number in range(MOVES):
        name = f"{number}.jpg"
        if (name in here) == (name in there):
            wrong.append(f"{name} is {'in both places' if name in here else 'nowhere'}")
    for folder in (place / "in", out):
        for path in folder.iterdir() if folder.exists() else ():
            if path.read_bytes() != b"same picture":
                wrong.append(f"{path} is damaged")
    return wrong


def move_onto(out: Path, size: int = 300_000, user: int = 0) -> tuple[Outcome, list[str]]:
    """One move onto a disk that is not fit for it; the picture must be where it was, and nothing left there."""
    with tempfile.TemporaryDirectory(prefix="difwatch-onto-") as name:
        base = Path(name)
        base.chmod(0o777)
        for path in (base / "a.jpg", base / "b.jpg"):
            path.write_bytes(b"x" * size)
        before = sorted(path.name for path in out.iterdir())
        book = journal(base / "state")
        os.seteuid(user)
        try:
            outcome = carry_out(act(base / "b.jpg", base / "a.jpg", out / "b.jpg"), book, rules(base))
        finally:
            os.seteuid(0)
        wrong = []
        if outcome.state != "failed":
            wrong.append(f"it is {outcome.state}")
        if (base / "b.jpg").read_bytes() != b"x" * size:
            wrong.append("the picture is not where it was")
        if sorted(path.name for path in out.iterdir()) != before:
            wrong.append("something was left on the disk")
        if book.entries(states=["open"]):
            wrong.append("an act is open")
        book.close()
        return outcome, wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=50)
    arguments = parser.parse_args()
    bad = 0
    for across in (False, True):
        found = [cut(seed, across) for seed in range(arguments.cuts)]
        wrong = [one for _, some in found for one in some]
        count = sum(number for number, _ in found)
        where = "to another disk" if across else "on one disk"
        print(
            f"{arguments.cuts} power cuts, moving {where}: {count} moves acknowledged, violations {len(wrong)}",
            *wrong,
            sep="\n",
        )
        bad += len(wrong)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
