"""The program of a worker process: a file in, its tensor or the reason why there is none out.

A worker knows no database and no other worker. It is started as ``python -c`` with the descriptors of its
private pipes, answers one job after the other, and ends when the pipes do.
"""

from __future__ import annotations

import contextlib
import itertools
import signal
from multiprocessing.connection import Connection

from difwatch.workers.channel import send
from difwatch.workers.confine import allow_cpu, confine
from difwatch.workers.in_hand import InHand
from difwatch.workers.reading import tensorize
from difwatch.workers.wire import STARTED, packed


def serve(jobs: int, answers: int, page: int, memory: int, seconds: float, parent: int) -> None:
    """Answer the jobs from one pipe through the other one, until the pipes are closed.

    Parameters
    ----------
    jobs, answers
        Descriptors of the pipes.
    page
        Descriptor of the memory of an `InHand`.
    memory
        Bytes of address space that this process may use.
    seconds
        CPU time that a job may take.
    parent
        Process id of the parent; this process dies with it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes the pipes
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # sent when somebody opens a file whose lease we just asked for
    confine(memory, parent)
    in_hand = InHand(page)
    incoming = Connection(jobs, writable=False)
    with contextlib.suppress(EOFError, OSError):  # the parent has closed the pipes, or is gone
        send(answers, STARTED)
        for number in itertools.count():
            job = incoming.recv()
            in_hand.begin(number)
            allow_cpu(seconds)
            send(answers, packed(tensorize(job, in_hand)))
