"""An executor of threads, as many as fit into memory."""

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

    Threads are enough: numpy, scipy and SQLite release the interpreter lock, and threads share what is in memory.
    Matrix products stay in the calling thread, or they would compete for the processors.

    Parameters
    ----------
    processes
        Number of threads.
    memory
        Bytes in all; where these are too few, there are fewer threads.
    """
    pool = ThreadPoolExecutor(budget.jobs_at_once(processes, memory))
    try:
        with threadpool_limits(1):
            yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
