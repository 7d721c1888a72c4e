"""What the daemon reports about itself."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Literal

from difwatch.model.settings import Measure

FolderActivity = Literal["watching", "polling", "offline", "scanning", "stopped"]


class Loss(enum.Enum):
    """A way in which events are lost; each is counted, logged, and answered by new watches and a walk."""

    OVERFLOW = "overflow"
    READER_DIED = "reader_died"
    WATCH_FAILED = "watch_failed"
    UNMOUNTED = "unmounted"

    @property
    def text(self) -> str:
        """What happened, in words."""
        return _TEXTS[self]


_TEXTS = {
    Loss.OVERFLOW: "more happened at once than the kernel keeps (fs.inotify.max_queued_events), and events were lost",
    Loss.READER_DIED: "the watcher ended",
    Loss.WATCH_FAILED: "not every folder in it is watched",
    Loss.UNMOUNTED: "a file system was mounted or unmounted",
}


@dataclass(frozen=True, slots=True)
class FolderHealth:
    """A watched folder; the number of its directories is None before the first walk."""

    path: bytes
    state: FolderActivity
    directories: int | None = None
    unwatched: int | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """How many files are on the way: not yet at rest, waiting for a worker, at a worker."""

    settling: int = 0
    waiting: int = 0
    working: int = 0

    @property
    def total(self) -> int:
        """All files on the way."""
        return self.settling + self.waiting + self.working


@dataclass(frozen=True, slots=True)
class RescanProgress:
    """The progress of a full search: its tasks, how many are done, the pairs so far, and how far it searches.

    ``error`` is a mean error of this ``measure``.
    """

    tasks: int
    done: int
    pairs: int
    error: float
    measure: Measure = "mse"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of the daemon: files on the way, files read since the start, a walk, and a full search."""

    queue: Queue
    done: int
    scanning: bool
    rescan: RescanProgress | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What only the daemon knows.

    ``token`` is that of the lock. ``reasons`` says in words what is not as it should be, ``notes`` what is worth
    knowing and no trouble, ``pace`` how many files are read a second while some are on the way, ``losses`` how often
    events were lost since the start and ``lost`` when last, ``at`` when this was written (ISO 8601) and ``beat`` the
    same, ``last_error`` what ended the last daemon. ``lost`` and ``beat`` are in seconds since the machine started.
    """

    pid: int | None = None
    token: str = ""
    version: str = ""
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    folders: tuple[FolderHealth, ...] = ()
    queue: Queue = field(default_factory=Queue)
    pace: int = 0
    losses: dict[str, int] = field(default_factory=lambda: dict.fromkeys((loss.value for loss in Loss), 0))
    at: str | None = None
    beat: float | None = None
    lost: float | None = None
    last_error: str | None = None
