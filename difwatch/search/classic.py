"""A full search with everything in memory: the same blocks, none of them fetched or written down."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from difwatch.search.blocks import Radius
from difwatch.search.budget import block_rows
from difwatch.search.chunked import Chunks, chunked_hits, cuts_of
from difwatch.search.executor import Executor, Inline
from difwatch.search.hits import Hits
from difwatch.search.refine import Held


def classic_hits(
    ids: NDArray[np.int64],
    rows: NDArray[np.float32],
    tensors: NDArray[np.uint8],
    radius: Radius,
    executor: Executor | None = None,
    processes: int = 1,
) -> Iterator[Hits]:
    """Yield every pair within the limit, once.

    Parameters
    ----------
    ids : ndarray of int64, shape (n,)
        Distinct.
    rows : ndarray of float32, shape (n, 16)
        The sketches.
    tensors : ndarray of uint8, shape (n, d)
    radius
        How far to search.
    executor
        Does the work; None for doing it here.
    processes
        How many blocks are searched side by side.
    """
    chunks = Chunks(ids, rows, radius, cuts_of(ids, rows, block_rows(len(ids), processes)))
    tasks = chunks.tasks()
    for part in chunked_hits(chunks, tasks, Held(ids, tensors), radius, executor or Inline(), 2 * processes):
        yield part.hits
