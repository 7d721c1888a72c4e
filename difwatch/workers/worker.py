"""The program of a worker process: an open file in, its tensor or the reason why there is none out.

A worker knows no database and no other worker. It is started as ``python -c`` with a socket for its jobs, each of
which comes with the open file, and a pipe for its answers. It loads all decoders, gives up every right that decoding
does not need, answers one job after the other, and ends when the socket does.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket

from difwatch.imaging.loading import load_decoders
from difwatch.workers.channel import LENGTH, send
from difwatch.workers.confine import allow_cpu, die_with, give_up_rights, limit
from difwatch.workers.in_hand import InHand
from difwatch.workers.landlock import forbid_files
from difwatch.workers.reading import read
from difwatch.workers.seccomp import forbid_calls
from difwatch.workers.wire import JOB_MOST, STARTED, STARTED_OPEN, job_unpacked, largest, packed


def serve(jobs: int, answers: int, page: int, memory: int, seconds: float, parent: int, apart: bool = False) -> None:
    """Answer the jobs from the socket through the pipe, until these are closed.

    Parameters
    ----------
    jobs, answers
        Descriptors of the socket and the pipe.
    page
        Descriptor of the memory of an `InHand`.
    memory
        Bytes of address space that this process may use.
    seconds
        CPU time that a job may take.
    parent
        Process id of the parent; this process dies with it.
    apart
        Whether each job is done in a process of its own; the system calls of only that one are restricted then, and
        this one reads no file.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes the socket
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # sent when somebody opens a file whose lease we just asked for
    limit(memory, parent)
    in_hand = InHand(page)
    incoming = socket.socket(fileno=jobs)
    load_decoders()
    # Decoders complain there in their own words, with names and numbers that a picture may have chosen.
    nothing = os.open("/dev/null", os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
    give_up_rights()
    started = STARTED if apart or forbid_calls() else STARTED_OPEN
    with contextlib.suppress(OSError):  # the parent has closed the pipe, or is gone
        send(answers, started)
        for number in itertools.count():
            message, files, _, _ = socket.recv_fds(incoming, JOB_MOST, 1)
            if not message:
                return
            in_hand.begin(number)
            try:
                if apart:
                    _answer_apart(message, files[0], (incoming.fileno(), answers), in_hand, seconds)
                else:
                    _answer(message, files[0], answers, in_hand, seconds)
            finally:
                os.close(files[0])


def _answer(message: bytes, file: int, answers: int, in_hand: InHand, seconds: float) -> None:
    allow_cpu(seconds)
    send(answers, packed(read(job_unpacked(message), file, in_hand)))


def _answer_apart(message: bytes, file: int, channels: tuple[int, int], in_hand: InHand, seconds: float) -> None:
    """Answer a job in a confined child, and end as it ends if it does not end well.

    The child has neither the socket of the jobs nor the pipe of the answers: else a picture that took it over could
    take the next job and answer it. What it says, once, reaches the parent after its end.
    """
    worker, most = os.getpid(), largest(job_unpacked(message))
    says, said = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            for channel in (says, *channels):
                os.close(channel)
            die_with(worker)
            if not forbid_calls():
                forbid_files()
            _answer(message, file, said, in_hand, seconds)
            code = 0
        finally:
            os._exit(code)
    os.close(said)
    heard = _heard(says, most)
    os.close(says)
    if heard is None:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and heard is not None:
        os.kill(worker, os.WTERMSIG(status))
    if status or heard is None:
        os._exit(1)
    send(channels[1], heard)


def _heard(descriptor: int, most: int) -> bytes | None:
    """Return the only message that a child writes; None if it writes anything else."""
    heard = b""
    while part := os.read(descriptor, 1 << 16):
        heard += part
        if len(heard) > most + LENGTH.size:
            return None
    length = LENGTH.unpack_from(heard)[0] if len(heard) >= LENGTH.size else 0
    if heard and length != len(heard) - LENGTH.size:
        return None
    return heard[LENGTH.size :]
