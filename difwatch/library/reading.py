"""Files to tensors: in worker processes, or in this process if there is to be only one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait

from difwatch.clock import SystemClock
from difwatch.model.files import FileState
from difwatch.model.jobs import Answer, Limits, Tensorized, TensorJob
from difwatch.workers.pool import WorkerPool
from difwatch.workers.reading import tensorize

_AT_ONCE = 256  # jobs in the pool
_DIGESTS_AT_MOST = 64


def read_files(states: Sequence[FileState], px: int, processes: int) -> Iterator[Answer]:
    """Yield an answer for each file, in any order; bytes that were seen before are not decoded again."""
    jobs = _Jobs(states, px)
    if processes == 1:
        for job in jobs:
            answer = tensorize(job)
            jobs.learn(answer)
            yield answer
        return
    clock = SystemClock()
    with contextlib.closing(WorkerPool(processes)) as pool:
        left = True
        while left or pool.backlog():
            while left and pool.backlog() < _AT_ONCE:
                next_job = next(jobs, None)
                left = next_job is not None
                if next_job is not None:
                    pool.submit(next_job)
            answers = pool.collect(clock.monotonic())
            if not answers and pool.backlog():
                wait(pool.waitables())
            for answer in answers:
                jobs.learn(answer)
                yield answer


class _Jobs:
    """Makes the jobs one by one, each with the digests known by then."""

    def __init__(self, states: Sequence[FileState], px: int) -> None:
        self._states = iter(states)
        self._px = px
        self._limits = Limits()
        self._known: dict[int, set[bytes]] = {}

    def __iter__(self) -> _Jobs:
        return self

    def __next__(self) -> TensorJob:
        state = next(self._states)
        assert state.key is not None
        known = self._known.get(state.key.size, set())
        digests = frozenset(known) if len(known) <= _DIGESTS_AT_MOST else frozenset()
        return TensorJob(state.path, state.key, self._px, self._limits, digests)

    def learn(self, answer: Answer) -> None:
        """Remember the digest of what was decoded."""
        if isinstance(answer, Tensorized) and not answer.known and answer.state.key is not None:
            self._known.setdefault(answer.state.key.size, set()).add(answer.digest)
