"""Plays a whole job in a pseudo-terminal, and prints what a person sees.

    python -m tests.whole.play [--copies N]

Pictures to try it with, an index, a look, a choice, moving, Ctrl-C in the middle of moving, and putting back.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.photos import photo

HOME = "/home/you"


class Person:
    """Types commands in a home directory, and sees what a terminal shows."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm", "LANG": "C.UTF-8"}

    def types(self, line: str, answer: str = "", stops_at: str | None = None) -> str:
        """Run a command line; answer its question, and press Ctrl-C once it has shown a text."""
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "difwatch", *line.split()]
        where = {"cwd": self.home, "env": self.environment}
        process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, **where
        )
        os.close(theirs)
        os.write(ours, answer.encode())
        shown, stopped = b"", False
        while True:
            try:
                shown += os.read(ours, 1 << 16)
            except OSError:  # the other side is closed
                break
            if stops_at is not None and not stopped and stops_at in shown.decode("utf-8", "replace"):
                process.send_signal(signal.SIGINT)
                stopped = True
        os.close(ours)
        code = process.wait()
        text = shown.decode("utf-8", "replace").replace("\r\n", "\n").replace(str(self.home), HOME)
        sys.stdout.write(f"$ difwatch {line}\n{_as_left(text)}" + (f"[exit code {code}]\n" if code else "") + "\n")
        return text


def _as_left(text: str) -> str:
    """What is left on the screen: of a changing line the last state, without colours."""
    lines = [line.rpartition("\r")[2] for line in text.split("\n")]
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", "\n".join(lines))


def play(home: Path, copies: int) -> None:
    """Play the job."""
    person = Person(home)
    person.types("demo Pictures")
    (home / "Pictures/Burst").mkdir()
    for number in range(copies):
        photo(number, 320, 240).save(home / f"Pictures/Burst/{number:04d}.png")
        photo(number, 320, 240).resize((160, 120)).save(home / f"Pictures/Burst/{number:04d} small.jpg", quality=80)
    person.types("init ~/Pictures --no-service")
    person.types("watch --once")
    person.types("report --histogram")
    person.types("explain 2025/dress.jpg Phone/IMG-20251121-WA0002.jpg")
    person.types("status")
    person.types("apply --move-to Duplicates", answer="n\n")
    person.types("apply --move-to Duplicates", answer="y\n", stops_at="5 of ")
    moved = person.types("status")
    assert "not running" in moved
    person.types("apply --move-to Duplicates", answer="y\n")
    person.types("undo --since 1h")
    person.types("watch --once")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        play(Path(home), arguments.copies)


if __name__ == "__main__":
    main()
