"""A pool without any process: each call of `collect` does one job, so that tests need not wait."""

import collections

from difwatch.workers.reading import tensorize


class InlinePool:
    def __init__(self):
        self._jobs = collections.deque()

    def submit(self, job):
        self._jobs.append(job)

    def collect(self, now):
        return [tensorize(self._jobs.popleft())] if self._jobs else []

    def backlog(self):
        return len(self._jobs)

    def waitables(self):
        return ()

    def restart(self, processes, limits):
        self._jobs.clear()

    def close(self):
        self._jobs.clear()
