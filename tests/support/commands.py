"""Commands called in this process: for tests to which a process of its own is only scenery.

`difwatch` of `tests.support.running` is the same as a real process. What differs here: there are no worker processes,
so pictures are read in this process too.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from unittest.mock import patch

from difwatch.cli import app
from difwatch.model.jobs import Answer, WorkerLimits
from difwatch.service import daemon
from difwatch.store import engine
from difwatch.workers.reading import tensorize
from tests.support.pool import InlinePool
from tests.support.running import path_of


def called(state: Path, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Call a command; gives its exit code and what it printed, as `tests.support.running.difwatch` does."""
    words = ["difwatch", "--state-dir", str(state), *map(str, arguments)]
    with _file() as out, _file() as err, open(os.devnull) as nothing:
        with (
            _left_as_it_was(),
            patch.object(sys, "argv", words),
            patch.object(engine, "_ours", set()),  # a file may have the inode of one that was known and is gone
            patch.object(daemon, "WorkerPool", InlineWorkers),
            patch.object(sys, "stdin", nothing),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = _exit_code()
        done = subprocess.CompletedProcess(words, code, _text(out), _text(err))
    if check:
        assert done.returncode == 0, done.stderr
    return done


def index(state: Path, *folders: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Bring a store up to date with some folders."""
    return called(state, "watch", "--once", "--quiet-seconds", "0", *folders, check=check)


def reported_pairs(state: Path) -> dict[tuple[bytes, bytes], tuple[int, int]]:
    """The pairs of the report, as the twin gives them."""
    listed = json.loads(called(state, "report", "--pairs", "--format", "json").stdout)["pairs"]
    return {(path_of(one, "a"), path_of(one, "b")): (one["sse"], one["rotation"]) for one in listed}


def _exit_code() -> int:
    try:
        app.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _file() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogateescape")


def _text(file: IO[str]) -> str:
    file.flush()
    file.seek(0)
    return file.buffer.read().decode("utf-8", "surrogateescape")


@contextlib.contextmanager
def _left_as_it_was() -> Iterator[None]:
    """Put back what a command sets for the whole process that it has for itself."""
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    log, hook = logging.getLogger("difwatch"), threading.excepthook
    handlers, level = log.handlers, log.level
    log.propagate = False  # what it says goes to the command's own output only
    mask = os.umask(0)
    os.umask(mask)
    try:
        yield
    finally:
        os.umask(mask)
        log.handlers, log.propagate = handlers, True
        log.setLevel(level)
        threading.excepthook = hook
        for number, handler in signals.items():
            signal.signal(number, handler)


class InlineWorkers(InlinePool):
    """Stands for the `WorkerPool` of a daemon, and reads all files that it is given at once."""

    def __init__(self, processes: int, limits: WorkerLimits) -> None:
        super().__init__()

    def collect(self, now: float) -> list[Answer]:
        jobs, self._jobs = list(self._jobs), type(self._jobs)()
        return [tensorize(job) for job in jobs]
