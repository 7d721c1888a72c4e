"""The units of systemd, for the program that is installed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

_PROGRAM = "/usr/local/bin/difwatch"
_PLAIN = re.compile(r"[A-Za-z0-9_./@:+,=-]+")
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OF_USERS = ("/home", "/root", "/run/user")


def unit(text: str, program: str) -> str:
    """Return the text of a shipped unit, to start a program wherever it lies."""
    return text.replace(_PROGRAM, quoted(program))


def quoted(program: str) -> str:
    """Return a path as a word of a command line of systemd."""
    if _PLAIN.fullmatch(program):
        return program
    escaped = program.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def weakness(program: Path) -> str | None:
    """Return why a program must not run with the rights of the machine, in words: others than root can change it.

    Looked at are the program, its interpreter and the package, with all directories on the way.
    """
    for path in _parts(program):
        for place in (path, *path.parents):
            stat_result = place.lstat()
            if place != Path("/") and str(place).startswith(_OF_USERS):
                return f"{path} lies in the home of a user"
            is_link = stat.S_ISLNK(stat_result.st_mode)
            if stat_result.st_uid != 0 or (stat_result.st_mode & _OTHERS_MAY_WRITE and not is_link):
                if stat_result.st_mode & stat.S_ISVTX:  # what is root's there stays as it is
                    continue
                return f"others than root may change {place}"
    return None


def _parts(program: Path) -> Iterator[Path]:
    package = Path(__file__).resolve().parent.parent
    yield from (program, program.resolve(), package)
    with program.open("rb") as file:
        first = os.fsdecode(file.readline())
    if first.startswith("#!/"):
        interpreter = Path(first.removeprefix("#!").strip())
        yield interpreter
        yield interpreter.resolve()
