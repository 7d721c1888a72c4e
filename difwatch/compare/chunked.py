"""A full search in blocks: bounded memory, any executor, resumable after an interruption.

The pictures are sorted by a number of their sketch that no orientation changes (the level: of tensors the
brightness) and cut into blocks. Two pictures whose levels differ by more than the radius cannot match, so a block is
compared only with itself and with the blocks that begin within the radius behind it. Each such pair of blocks is a
task. The cuts are values, not places: when pictures are removed between two runs, the others fall into the same
blocks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.blocks import hits_between
from difwatch.compare.comparison import Comparison
from difwatch.compare.executor import Executor, Future
from difwatch.compare.hits import Cut, Hits, Task, joined
from difwatch.compare.sketch import Block, SketchKind

_HITS_AT_ONCE = 500_000


class Part(NamedTuple):
    """Some hits of a task; its parts come one after another, and ``last`` marks the final one."""

    task: Task
    hits: Hits
    last: bool


class Chunks:
    """Pictures sorted by level and cut into blocks.

    Parameters
    ----------
    ids : ndarray of int64, shape (n,)
        Distinct.
    rows : ndarray of float32, shape (n, size)
        Their sketches.
    comparison
        What they are compared by.
    cuts
        Where blocks begin: the result of `cuts_of` for this or an earlier set of pictures.
    """

    def __init__(
        self, ids: NDArray[np.int64], rows: NDArray[np.float32], comparison: Comparison, cuts: Iterable[Cut]
    ) -> None:
        order = np.lexsort((ids, rows[:, comparison.kind.level]))
        self._all = Block(ids[order], rows[order])
        self.comparison = comparison
        self._cuts = tuple(cuts)
        self._bounds = list(pairwise([*(self._place(cut) for cut in self._cuts), len(ids)]))

    def tasks(self) -> Iterator[Task]:
        """Yield the pairs of blocks that may hold a match; they depend on the cuts and the reach alone.

        Those of a block with itself come first, because they take longest: so all processors end at about one time.
        """
        for block in range(len(self._cuts)):
            yield block, block
        for first in range(len(self._cuts) - 1):
            ends = self._cuts[first + 1][0]
            for second in range(first + 1, len(self._cuts)):
                if self._cuts[second][0] - ends > self._reach:
                    break
                yield first, second

    def blocks(self, task: Task) -> tuple[Block, Block | None]:
        """Return the blocks of a task, without the pictures that are too far from the level of the other block."""
        a = self._all.part(*self._bounds[task[0]])
        if task[0] == task[1]:
            return a, None
        b = self._all.part(*self._bounds[task[1]])
        if not len(a.ids) or not len(b.ids):
            return a.part(0, 0), b.part(0, 0)
        ours, theirs = (self._level(block).astype(np.float64) for block in (a, b))
        start = np.searchsorted(ours, theirs[0] - self._reach)
        stop = np.searchsorted(theirs, ours[-1] + self._reach, side="right")
        return a.part(int(start), len(a.ids)), b.part(0, int(stop))

    @property
    def _reach(self) -> float:
        return self.comparison.reach * (1 + 2**-40)  # covers the rounding of a difference

    def _level(self, block: Block) -> NDArray[np.float32]:
        return block.rows[:, self.comparison.kind.level]

    def _place(self, cut: Cut) -> int:
        """Return how many pictures come before a cut."""
        level, id_ = cut
        levels = self._level(self._all)
        first, last = (int(np.searchsorted(levels, np.float32(level), side)) for side in ("left", "right"))
        return first + int(np.searchsorted(self._all.ids[first:last], id_))


def cuts_of(kind: SketchKind, ids: NDArray[np.int64], rows: NDArray[np.float32], block_rows: int) -> list[Cut]:
    """Return where blocks of ``block_rows`` pictures begin."""
    level = rows[:, kind.level]
    firsts = np.lexsort((ids, level))[::block_rows]
    return [(float(level[place]), int(ids[place])) for place in firsts]


class ChunkedSearch:
    """Tasks run by an executor. Iteration yields their hits in the order of the tasks.

    Parameters
    ----------
    chunks, tasks
        The pairs of blocks to compare, each once.
        The comparison must be picklable if the executor works in other processes.
    at_once
        Number of tasks in the executor at a time.
    """

    def __init__(self, chunks: Chunks, tasks: Iterable[Task], executor: Executor, at_once: int = 1) -> None:
        self._chunks = chunks
        self._tasks = iter(tasks)
        self._executor = executor
        self._at_once = at_once
        self._running: deque[tuple[Task, tuple[Block, Block | None], Future]] = deque()

    def submit(self) -> bool:
        """Fill the executor up to ``at_once`` tasks; tell whether it has any."""
        for task in islice(self._tasks, self._at_once - len(self._running)):
            blocks = self._chunks.blocks(task)
            self._running.append((task, blocks, self._submitted(blocks, 0)))
        return bool(self._running)

    def is_ready(self) -> bool:
        """Tell whether the next part is available without waiting."""
        return bool(self._running) and self._running[0][-1].done()

    def __iter__(self) -> Iterator[Part]:
        return self

    def __next__(self) -> Part:
        if not self.submit():
            raise StopIteration
        task, blocks, future = self._running.popleft()
        done, hits = future.result()
        if done is not None:  # the rest of this task precedes the other tasks
            self._running.appendleft((task, blocks, self._submitted(blocks, done)))
        return Part(task, hits, done is None)

    def _submitted(self, blocks: tuple[Block, Block | None], start: int) -> Future:
        return self._executor.submit(search_blocks, *blocks, self._chunks.comparison, start)


def search_blocks(a: Block, b: Block | None, comparison: Comparison, start: int) -> tuple[int | None, Hits]:
    """Return hits from the place ``start`` on, stopping early once there are many.

    Returns
    -------
    done, hits
        ``done`` is the place to continue from, None at the end.
    """
    parts: list[Hits] = []
    for done, hits in hits_between(a, b, comparison, start):
        parts.append(hits)
        if sum(map(len, parts)) >= _HITS_AT_ONCE:
            return done, joined(parts)
    return None, joined(parts)
