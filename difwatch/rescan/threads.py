"""An executor of threads, as many as fit into the memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import threadpool_limits

from difwatch.compare import budget
from difwatch.compare.executor import Executor


@contextlib.contextmanager
def threads(processes: int, memory: int) -> Iterator[Executor]:
    """Hold an executor.

    Threads are enough: numpy, scipy and SQLite work without the lock of the interpreter, and what is in memory is
    there once. Matrix products keep to the thread that asks for them, or they would get in each other's way.

    Parameters
    ----------
    processes
        How many threads.
    memory
        Bytes in all; where they are too few, there are fewer threads.
    """
    pool = ThreadPoolExecutor(budget.jobs_at_once(processes, memory))
    try:
        with threadpool_limits(1):
            yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
