"""Bad requests to the socket of a running daemon, from another process and from another user.

    python -m tests.faults.bad_requests [REQUESTS] [--seed S]     (as root: the other user too)

Random bytes, JSON that is cut off, nested, huge or of the wrong kind, unknown words, right words with wrong fields,
connections that are dropped, and some that say nothing. Each must be answered with an error, which names the field
that is wrong, or be closed. Good requests too, whose answers nobody reads, or that are reset while the answer comes.
Afterwards the daemon must still answer, every row of its store be as it was, and no more files be open than before.
Prints a summary line, and every violation.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from difwatch.control.requests import ask
from difwatch.control.state_dir import StateDir
from difwatch.errors import DifwatchError
from tests.faults.daemon_kills import tracebacks
from tests.faults.load import pictures
from tests.faults.watched import Watched, place

SILENT = 8
SLACK = 3  # files that a daemon opens and keeps when it first needs them
PATIENCE = 30.0
OTHER_USER = 65534
# Good requests; none of them is sent as it is.
FIELDS: dict[str, dict[str, Any]] = {
    "ignore": {"a": "00" * 32, "b": "01" * 32, "remove": False},
    "forget": {"paths": ["/nowhere"]},
    "destination": {"path": "/nowhere"},
    "release": {"path": "/nowhere"},
    "retry": {"paths": ["/nowhere"]},
    "rescan": {"max_pairs": 10, "error": 5, "measure": "mse", "algorithm": "auto", "chunksize": 1000},
}
NO_TEXT: tuple[Any, ...] = (None, 5, 1.5, True, [], {}, ["x"], {"x": 1}, 10**30, float("nan"), float("inf"))
NO_NUMBER: tuple[Any, ...] = (
    "x",
    "",
    [],
    {},
    [5],
    {"x": 1},
    float("nan"),
    float("inf"),
    -float("inf"),
    "5 000",
    "٣x",
)
NO_PATH: tuple[Any, ...] = ("\ud800", "/\ud800", "/a\0b", "/x" * 4000, "", "nowhere", "./nowhere", "~/nowhere")
NO_PATHS: tuple[Any, ...] = (
    *(5, 1.5, True, "/nowhere", {"/nowhere": 1}, [5], [None], [["x"]], ["\ud800"], [{}]),
    *([""], ["nowhere"], ["/nowhere", 5], ["/nowhere", "/x" * 4000]),
)
NO_DIGEST: tuple[Any, ...] = (*NO_TEXT, "x", "0", "zz", "\ud800", "é", "00", "00" * 31, "00" * 33, "zz" * 32)
NO_FLAG: tuple[Any, ...] = (None, 0, 1, "", "true", [], {})
# What each field must not be.
WRONG: dict[tuple[str, str], tuple[Any, ...]] = {
    ("ignore", "a"): NO_DIGEST,
    ("ignore", "b"): NO_DIGEST,
    ("ignore", "remove"): NO_FLAG,
    ("forget", "paths"): (None, *NO_PATHS),
    ("retry", "paths"): NO_PATHS,
    ("destination", "path"): (*NO_TEXT, *NO_PATH),
    ("release", "path"): (*NO_TEXT, *NO_PATH),
    ("rescan", "max_pairs"): (None, True, 0, -1, 1.5, 10**30, *NO_NUMBER),
    ("rescan", "measure"): (5, "sse", [], {}, True),
    ("rescan", "error"): (True, -1, 1e300, 65026, *NO_NUMBER),
    ("rescan", "algorithm"): (5, None, "fast", [], {}, True),
    ("rescan", "chunksize"): (True, 0, -5, 1.5, 10**30, *NO_NUMBER),
}
ALLOWED = ("error", "closed")
OUTCOMES = (*ALLOWED, "error of something else", "accepted", "no answer")


class Bad(NamedTuple):
    """A bad request, and how the answer to it must begin: with the name of the field that is wrong."""

    said: bytes
    names: str = ""


def _line(request: object) -> bytes:
    return json.dumps(request).encode() + b"\n"


def random_bytes(dice: random.Random) -> Bad:
    return Bad(dice.randbytes(dice.randrange(1, 3000)) + dice.choice((b"", b"\n")))


def cut_off(dice: random.Random) -> Bad:
    word = dice.choice(list(FIELDS))
    whole = json.dumps({"do": word, **FIELDS[word]}).encode()
    return Bad(whole[: dice.randrange(1, len(whole))] + dice.choice((b"", b"\n")))


def no_request(dice: random.Random) -> Bad:
    return Bad(_line(dice.choice((None, 1, -1.5, True, "ping", "", [], ["do"], [{"do": "ping"}]))))


def no_word(dice: random.Random) -> Bad:
    kinds = ({}, {"do": None}, {"do": 5}, {"do": ["ping"]}, {"do": {"do": "ping"}}, {"DO": "ping"}, {"do": True})
    return Bad(_line(dice.choice(kinds)), "do")


def unknown_word(dice: random.Random) -> Bad:
    words = ("dance", "Ping", "ping ", "", "rescan  progress", "__init__", "\0", "ping\n", "p" * 10_000)
    word = dice.choice((*words, "".join(chr(dice.randrange(1, 0xD000)) for _ in range(dice.randrange(1, 40)))))
    return Bad(_line({"do": word, "a": 1}), "do")


def huge(dice: random.Random) -> Bad:
    filler = b"x" * dice.randrange(1 << 20, 3 << 20)
    return Bad(dice.choice((filler, b'{"do": "ping", "x": "' + filler + b'"}')) + dice.choice((b"", b"\n")))


def nested(dice: random.Random) -> Bad:
    one, depth = dice.choice((b"[", b'{"a":', b'[{"do":', b'{"do":[')), dice.randrange(100, 100_000)
    return Bad(one * depth + dice.choice((b"", b"\n")))


def missing_field(dice: random.Random) -> Bad:
    word = dice.choice(list(FIELDS))
    missing = dice.choice(list(FIELDS[word]))
    there = {name: value for name, value in FIELDS[word].items() if name != missing}
    return Bad(_line({"do": word, **there}), missing)


def wrong_field(dice: random.Random) -> Bad:
    word, name = dice.choice(list(WRONG))
    return Bad(_line({"do": word, **FIELDS[word], name: dice.choice(WRONG[word, name])}), name)


def dropped(dice: random.Random) -> Bad:
    return Bad(b'{"do": "for'[: dice.randrange(0, 12)])


KINDS: dict[Callable[[random.Random], Bad], int] = {
    random_bytes: 20, cut_off: 15, no_request: 5, no_word: 5, unknown_word: 10, huge: 1, nested: 3, missing_field: 10,
    wrong_field: 30, dropped: 5,
}  # fmt: skip


def send(path: Path, bad: Bad, drop: bool) -> str:
    """Send a request; gives what came of it."""
    with socket.socket(socket.AF_UNIX) as to:
        to.settimeout(PATIENCE)
        to.connect(str(path))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it heard enough
            to.sendall(bad.said)
            if drop:
                return "closed"
            to.shutdown(socket.SHUT_WR)
        return outcome(to, bad.names)


def outcome(to: socket.socket, names: str = "") -> str:
    """What the daemon answers; an error must begin with the name of the field that is wrong."""
    answer = b""
    try:
        while some := to.recv(1 << 16):
            answer += some
    except TimeoutError:
        return "no answer"
    except ConnectionResetError:
        pass
    if not answer:
        return "closed"
    error = json.loads(answer).get("error")
    if error is None:
        return "accepted"
    return "error" if error.startswith(names) else "error of something else"


def rows(store: Path) -> list[str]:
    """Everything that is in the store, but for the folder, which says when it was walked last."""
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        return [row for row in connection.iterdump() if not row.startswith('INSERT INTO "folder"')]


def run(count: int, seed: int, other_user: bool) -> tuple[str, list[str]]:
    """The summary, and the violations."""
    with place() as base, contextlib.closing(Watched(base)) as watched:
        for number, data in enumerate(pictures()[:20]):
            (watched.folder / f"{number}.png").write_bytes(data)
        watched.start()
        watched.rest(times=1)
        before = rows(watched.state / "difwatch.db")
        opened = descriptors(watched)
        silent = [_silent(watched) for _ in range(SILENT if count else 0)]
        outcomes, found = fuzz(watched, count, random.Random(seed))
        for one in silent:
            with one:
                _note(outcome(one), b"", outcomes, found)
        unread(watched, count // 10)
        reset(watched, count // 10)
        found += _unlike_before(watched, before)
        found += _left_open(watched, opened)
        found += from_other_user(base, watched.state) if other_user else []
        found += [f"it ended with {code}"] if (code := watched.stop()) else []
        found += tracebacks(watched.log.read_text(errors="replace"))
    told = ", ".join(f"{name} {outcomes[name]}" for name in OUTCOMES)
    who = "" if other_user else " (another user was not tried)"
    return f"{outcomes.total()} bad requests: {told}; violations {len(found)}{who}", found


def descriptors(watched: Watched) -> int:
    """How many files the daemon has open."""
    return len(list(Path(f"/proc/{watched.process.pid}/fd").iterdir()))


def unread(watched: Watched, count: int) -> None:
    """Ask good questions and read no answer, as many at once as the daemon takes."""
    with contextlib.ExitStack() as held:
        for number in range(count):
            if number % 50 == 0:
                held.close()
            to = held.enter_context(_connected(watched))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                to.sendall(b'{"do": "ping"}\n')


def _connected(watched: Watched) -> socket.socket:
    """Connect, as soon as not too many others wait."""
    to = socket.socket(socket.AF_UNIX)
    to.settimeout(PATIENCE)
    while True:
        try:
            to.connect(str(watched.state / "control.sock"))
        except BlockingIOError:
            watched.listen(0.01)
        else:
            return to


def reset(watched: Watched, count: int) -> None:
    """Ask, and go away before or while the answer comes; what was not read resets the connection."""
    for number in range(count):
        with _connected(watched) as to, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            to.sendall(b'{"do": "ping"}\n')
            if number % 2:
                to.recv(1)


def _left_open(watched: Watched, before: int) -> list[str]:
    """Whether more files are open than before, once all connections are ended."""
    for _ in range(100):
        if descriptors(watched) <= before + SLACK:
            return []
        watched.listen(0.1)
    return [f"{descriptors(watched)} files are open, {before} were before"]


def _unlike_before(watched: Watched, before: list[str]) -> list[str]:
    """Whether it answers, and what is otherwise in the store."""
    try:
        answers = ask(StateDir(watched.state), {"do": "ping"})["pid"] == watched.process.pid
    except DifwatchError as error:
        return [f"{error}; it ended with {watched.process.wait(PATIENCE)}"]
    changed = set(rows(watched.state / "difwatch.db")) ^ set(before)
    return [*([] if answers else ["it answers a ping with another pid"]), *(f"row: {one}" for one in changed)]


def fuzz(watched: Watched, count: int, dice: random.Random) -> tuple[collections.Counter[str], list[str]]:
    """Send bad requests; a daemon that ended by one is started again."""
    path, found, outcomes = watched.state / "control.sock", [], collections.Counter[str]()
    kinds, weights = list(KINDS), list(KINDS.values())
    last = b""
    for _ in range(count):
        (kind,) = dice.choices(kinds, weights)
        bad = kind(dice)
        said = bad.said
        try:
            _note(send(path, bad, kind is dropped), said, outcomes, found)
        except OSError as error:
            watched.process.wait(PATIENCE)
            found.append(
                f"it ended with {watched.process.returncode} ({error}) by one of {last[:200]!r}, {said[:200]!r}"
            )
            watched.start()
            watched.rest(times=1)
        last = said
        watched.listen(0.001)
    return outcomes, found


def _silent(watched: Watched) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(PATIENCE)
    made.connect(str(watched.state / "control.sock"))
    return made


def _note(came: str, said: bytes, outcomes: collections.Counter[str], found: list[str]) -> None:
    outcomes[came] += 1
    if came not in ALLOWED:
        found.append(f"{came}: {said[:200]!r}")


ASKING = """
import os, socket, sys
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
with socket.socket(socket.AF_UNIX) as to:
    try:
        to.connect(sys.argv[1])
        print(to.recv(1000).decode())
    except PermissionError as error:
        print(type(error).__name__)
"""


def from_other_user(base: Path, state: Path) -> list[str]:
    """Ask as another user, while one door after the other is opened."""
    found = []
    command = [sys.executable, "-I", "-S", "-c", ASKING, str(state / "control.sock"), str(OTHER_USER)]
    doors = {base: "PermissionError", state: "PermissionError", state / "control.sock": "belongs to another user"}
    for door, answer in doors.items():
        door.chmod(0o777)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer not in done.stdout:
            found.append(f"another user, when {door.name} is open: {done.stdout}{done.stderr}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requests", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    summary, found = run(arguments.requests, arguments.seed, os.getuid() == 0)
    print(summary, *found, sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
