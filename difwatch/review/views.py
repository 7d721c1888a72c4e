"""Views of pictures, made by confined workers, the newest wish first."""

from __future__ import annotations

import collections
import contextlib
import os
import threading
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from multiprocessing.connection import wait

from difwatch.actions.check import RefusedError, opened
from difwatch.actions.directory import place
from difwatch.clock import Clock
from difwatch.errors import DifwatchError, IncompleteError
from difwatch.model.files import FileKey
from difwatch.model.jobs import Answer, Limits, Postponed, Shown, TensorJob, Unreadable, View, WorkerLimits
from difwatch.model.pictures import Image
from difwatch.workers.pool import WorkerPool

_WAITING_MOST = 64  # wishes; older ones are dropped, as nobody looks there any more
_KEPT_BYTES = 64 << 20
_SECONDS = 60.0
_AHEAD = 2  # pictures at each worker


class ChangedError(DifwatchError):
    """A picture is not as it was indexed."""


class CannotShowError(DifwatchError):
    """A picture cannot be shown; the text says why."""


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    image: Image
    view: View
    future: Future[bytes]


class Views:
    """Makes views, and keeps the last ones.

    Parameters
    ----------
    processes
        The number of workers.
    limits, worker_limits
        The largest file that is decoded, and what a worker may use.
    clock
        Tells how long a worker takes.
    """

    def __init__(self, processes: int, limits: Limits, worker_limits: WorkerLimits, clock: Clock) -> None:
        self._processes, self._limits, self._worker_limits = processes, limits, worker_limits
        self._clock = clock
        self._lock = threading.Lock()
        self._wishes: collections.deque[_Wish] = collections.deque()
        self._kept: collections.OrderedDict[tuple[bytes, View], bytes] = collections.OrderedDict()
        self._wakes, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._ends = self._has_ended = False
        self._thread = threading.Thread(target=self._work, name="views", daemon=True)

    def start(self) -> None:
        """Begin to make views."""
        self._thread.start()

    def close(self) -> None:
        """End the workers."""
        self._ends = True
        self._wake_up()
        self._thread.join()
        os.close(self._wake)
        os.close(self._wakes)

    def make(self, image: Image, view: View) -> bytes:
        """Return a JPEG of a picture.

        Raises
        ------
        ChangedError
            The file is not what was indexed, or is gone.
        CannotShowError
            It cannot be decoded, or others were wanted more.
        """
        with self._lock:
            if (kept := self._kept.get((image.digest, view))) is not None:
                self._kept.move_to_end((image.digest, view))
                return kept
            if self._has_ended:
                raise CannotShowError("the page has ended")
            wish = _Wish(image, view, Future())
            self._wishes.appendleft(wish)
            left = self._wishes.pop() if len(self._wishes) > _WAITING_MOST else None
            self._wake_up()
        if left is not None:
            left.future.cancel()
        try:
            return wish.future.result(_SECONDS)
        except (CancelledError, TimeoutError) as error:
            raise CannotShowError("others were wanted more; try again") from error

    def _wake_up(self) -> None:
        with contextlib.suppress(BlockingIOError):  # then it is awake
            os.write(self._wake, b"x")

    def _work(self) -> None:
        try:
            while not self._ends:
                self._work_with(WorkerPool(self._processes, self._worker_limits))
        finally:
            with self._lock:
                self._has_ended = True
                for wish in self._wishes:
                    wish.future.cancel()

    def _work_with(self, pool: WorkerPool) -> None:
        """Make views until the end, or until no worker can be started."""
        at_work: dict[bytes, tuple[_Wish, int]] = {}
        why = "the page has ended"
        try:
            while not self._ends:
                self._hand_out(pool, at_work)
                answers = pool.collect(self._clock.monotonic())
                for answer in answers:
                    wish, descriptor = at_work.pop(answer.path)
                    os.close(descriptor)
                    self._settle(wish, answer)
                if not answers:
                    wait([self._wakes, *pool.waitables()], timeout=1.0)
                    _drain(self._wakes)
        except IncompleteError as error:
            why = str(error)
        finally:
            pool.close()
            for wish, descriptor in at_work.values():
                os.close(descriptor)
                wish.future.set_exception(CannotShowError(why))

    def _hand_out(self, pool: WorkerPool, at_work: dict[bytes, tuple[_Wish, int]]) -> None:
        """Give the workers the newest wishes, one at a time for each picture."""
        while len(at_work) < _AHEAD * self._processes:
            with self._lock:
                wish = next((one for one in self._wishes if one.image.path not in at_work), None)
                if wish is None:
                    return
                self._wishes.remove(wish)
            image, descriptor = wish.image, _opened(wish)
            if descriptor is not None and image.key is not None:
                job = TensorJob(image.path, image.key, 0, self._limits, descriptor=descriptor, view=wish.view)
                at_work[image.path] = (wish, descriptor)
                pool.submit(job)

    def _settle(self, wish: _Wish, answer: Answer) -> None:
        if isinstance(answer, Unreadable | Postponed):
            wish.future.set_exception(CannotShowError(answer.reason))
        elif isinstance(answer, Shown) and (answer.state.key, answer.digest) == (wish.image.key, wish.image.digest):
            with self._lock:
                self._kept[wish.image.digest, wish.view] = answer.jpeg
                while sum(map(len, self._kept.values())) > _KEPT_BYTES:
                    self._kept.popitem(last=False)
            wish.future.set_result(answer.jpeg)
        else:
            wish.future.set_exception(ChangedError("the picture has changed; look at the group again"))


def _opened(wish: _Wish) -> int | None:
    """Return a descriptor of a picture that is what was indexed; None where it is not, which the wish is told."""
    image = wish.image
    try:
        # Reached without any link, so that a folder that became one since leads nowhere.
        with place(image.path) as there, opened(there, "the picture") as descriptor:
            if FileKey.of(os.fstat(descriptor)) == image.key:
                return os.dup(descriptor)
    except (OSError, RefusedError) as error:
        wish.future.set_exception(ChangedError(f"the picture cannot be opened: {error}"))
        return None
    wish.future.set_exception(ChangedError("the picture has changed; look at the group again"))
    return None


def _drain(descriptor: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(descriptor, 1 << 12):
            pass
