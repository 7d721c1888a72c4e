"""The units of systemd, for the program that is installed."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

_PROGRAM = "/usr/local/bin/difwatch"
_PLAIN = re.compile(r"[A-Za-z0-9_./@:+,=-]+")
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OF_USERS = (Path("/home"), Path("/root"), Path("/run/user"))


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

    Looked at are the program, its interpreter, and all places that this interpreter imports from, with all
    directories on the way, and the files of the package.
    """
    seen: set[Path] = set()
    for path in _parts(program):
        for place in (path, *path.parents):
            if place in seen:
                continue
            seen.add(place)
            if any(place.is_relative_to(home) for home in _OF_USERS):
                return f"{path} lies in the home of a user"
            stat_result = place.lstat()
            is_link, is_sticky = stat.S_ISLNK(stat_result.st_mode), stat_result.st_mode & stat.S_ISVTX
            if stat_result.st_uid != 0 or (stat_result.st_mode & _OTHERS_MAY_WRITE and not is_link and not is_sticky):
                return f"others than root may change {place}"
    return None


def _parts(program: Path) -> Iterator[Path]:
    package = Path(__file__).resolve().parent.parent
    yield from (program, program.resolve(), package, *package.rglob("*"))
    yield from (Path(place).resolve() for place in sys.path if place and Path(place).exists())
    with program.open("rb") as file:
        first = os.fsdecode(file.readline(1000))
    if first.startswith("#!"):
        interpreter = Path(first.removeprefix("#!").split()[0])
        yield interpreter
        yield interpreter.resolve()
