"""Commands that need not load the program each time: a process that has loaded it forks for each of them.

A command runs in a process of its own, to the end of the interpreter, with its own environment, directory, output
and exit code; only the imports are done already. Used by `tests.support.running`; what a start costs, and which
modules it loads, is measured and tested elsewhere, with processes that start in earnest.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.support.paths import ROOT


class Loaded:
    """The client: starts the process at the first command; it ends with this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._place: Path | None = None

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run ``difwatch`` with some arguments to its end, in the current directory."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            code = self.start(arguments, environment, out, errors).wait()
            return subprocess.CompletedProcess(arguments, code, _text(out), _text(errors))

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], out: IO[bytes] | None, errors: IO[bytes]
    ) -> Process:
        """Start ``difwatch`` with some arguments in the current directory; its output is lost without ``out``."""
        connection = self._connected()
        with open(os.devnull, "wb") as nowhere:
            socket.send_fds(connection, [b"\n"], [(out or nowhere).fileno(), errors.fileno()])
        connection.sendall(json.dumps([list(arguments), dict(environment), os.getcwd()]).encode())
        connection.shutdown(socket.SHUT_WR)
        return Process(connection)

    def _connected(self) -> socket.socket:
        with self._lock:
            place = self._place = self._place or self._start()
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(place / "socket"))
        return connection

    def _start(self) -> Path:
        place = Path(tempfile.mkdtemp(prefix="difwatch-loaded-"))
        # The threads of the BLAS would not live in a fork.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(place / "socket"))
            listening.listen()
            descriptor = listening.fileno()
            command = [sys.executable, "-m", "tests.support.loaded", str(descriptor)]
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, pass_fds=[descriptor]
            )
        atexit.register(_end, process, place)
        return place


class Process:
    """A command that runs, as `subprocess.Popen` is one."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._said = b""
        self.returncode: int | None = None
        while not self._said.endswith(b"\n"):
            self._said += connection.recv(1)
        self.pid = int(self._said)
        self._said = b""

    def poll(self) -> int | None:
        """The exit code, as soon as it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; gives its exit code."""
        if self.returncode is None:
            ready, _, _ = select.select([self._connection], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired("difwatch", timeout or 0.0)
            self.returncode = int(_all_of(self._connection))
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)


def _end(process: subprocess.Popen[bytes], place: Path) -> None:
    process.communicate()
    shutil.rmtree(place)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="surrogateescape").replace("\r\n", "\n")


def _all_of(connection: socket.socket) -> bytes:
    said = b""
    while some := connection.recv(1 << 16):
        said += some
    return said


def load() -> None:
    """Import every module of the program."""
    import difwatch

    for module in pkgutil.walk_packages(difwatch.__path__, "difwatch."):
        if module.name != "difwatch.__main__":
            importlib.import_module(module.name)
    gc.freeze()  # so that forks share the memory


def serve(listening: socket.socket) -> None:
    """Fork for each command. Returns in the process of a command only, as which it has everything but the imports."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait for a command
    while True:
        ready, _, _ = select.select([listening, sys.stdin], [], [])
        if sys.stdin in ready:  # whoever started this has ended
            sys.exit()
        connection, _ = listening.accept()
        if os.fork() == 0:
            break
        connection.close()
    listening.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 2)
    arguments, environment, directory = json.loads(_all_of(connection))
    pid = os.fork()
    if pid:
        connection.sendall(f"{pid}\n".encode())
        _kill_if_nobody_waits(pid, connection)
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(BrokenPipeError):
            connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    connection.close()
    for descriptor, place in zip([os.open(os.devnull, os.O_RDONLY), *descriptors], (0, 1, 2), strict=True):
        os.dup2(descriptor, place)
        os.close(descriptor)
    sys.stdout = os.fdopen(1, "w", closefd=False, encoding=sys.stdout.encoding)
    sys.stderr = os.fdopen(2, "w", 1, closefd=False, encoding=sys.stderr.encoding, errors="backslashreplace")
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments


def _kill_if_nobody_waits(pid: int, connection: socket.socket) -> None:
    """Wait for the end of a command; kill it when whoever started it is gone before."""
    ended = os.pidfd_open(pid)
    poller = select.poll()
    poller.register(ended, select.POLLIN)
    poller.register(connection, select.POLLHUP)
    if ended not in dict(poller.poll()):
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    load()
    serve(socket.socket(fileno=int(sys.argv[1])))
    from difwatch.cli.app import main

    main()
