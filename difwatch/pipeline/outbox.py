"""What waits to be kept in the store, and when it is due. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from difwatch.model.files import FileState
from difwatch.model.jobs import Answer

_BATCH = 256
_BATCH_MOST = 4096
_BATCH_SECONDS = 1.0
_KEEPING = 4.0  # batches are collected for this many times as long as the last one took longer than usual
_FILE_SECONDS = 0.002  # what is usual for a file, whatever the size of its batch
_REST_MOST = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Batch:
    """What is kept in one transaction.

    Attributes
    ----------
    answers
        The answers of the workers.
    gone
        Known files that are not there any more; each is looked at once more.
    unwanted
        Known files that are excluded now, there or not.
    renumbered
        Known files whose inode numbers are others now.
    """

    answers: Sequence[Answer] = ()
    gone: Sequence[bytes] = ()
    unwanted: Sequence[bytes] = ()
    renumbered: Sequence[FileState] = ()


class Outbox:
    """Collects batches. All times are seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []
        self._gone: list[bytes] = []
        self._unwanted: list[bytes] = []
        self._renumbered: list[FileState] = []
        self._taken_at = 0.0
        self._rest = 0.0

    def __len__(self) -> int:
        return len(self._answers) + len(self._gone) + len(self._unwanted) + len(self._renumbered)

    @property
    def answers(self) -> int:
        """The number of answers that wait."""
        return len(self._answers)

    def put(
        self,
        answers: Iterable[Answer] = (),
        gone: Iterable[bytes] = (),
        unwanted: Iterable[bytes] = (),
        renumbered: Iterable[FileState] = (),
    ) -> None:
        """Add what is to be kept, and files to be forgotten."""
        self._renumbered += renumbered
        self._answers += answers
        self._gone += gone
        self._unwanted += unwanted

    def is_due(self, now: float, nothing_else: bool) -> bool:
        """Tell whether a batch is large or old enough, or there is ``nothing_else`` to do.

        Where keeping takes long, as among thousands of pages that look alike, batches are larger: much of what
        a search costs is the same for one new picture and for a thousand, and meanwhile the workers wait.
        """
        if not len(self):
            return False
        is_large = len(self) >= _BATCH and now - self._taken_at >= self._rest
        return is_large or len(self) >= _BATCH_MOST or nothing_else or self.is_old(now)

    def is_old(self, now: float) -> bool:
        """Tell whether the last batch was taken long enough ago."""
        return now - self._taken_at >= max(_BATCH_SECONDS, self._rest)

    def deadline(self) -> float | None:
        """Return when what waits is due at the latest; None if nothing waits."""
        return self._taken_at + max(_BATCH_SECONDS, self._rest) if len(self) else None

    def take(self, now: float) -> Batch:
        """Take everything out."""
        batch = Batch(self._answers, self._gone, self._unwanted, self._renumbered)
        self._answers, self._gone, self._unwanted, self._renumbered, self._taken_at = [], [], [], [], now
        return batch

    def kept(self, seconds: float, count: int) -> None:
        """Note how long the last batch took to keep, and how many files it had."""
        self._rest = min(_KEEPING * max(0.0, seconds - _FILE_SECONDS * count), _REST_MOST)

    def put_back(self, batch: Batch) -> None:
        """Put back a batch that could not be kept, before what came since."""
        self._answers = [*batch.answers, *self._answers]
        self._gone = [*batch.gone, *self._gone]
        self._unwanted = [*batch.unwanted, *self._unwanted]
        self._renumbered = [*batch.renumbered, *self._renumbered]
