"""What a watcher can lose, and how it is told: counted, logged, and answered by new watches and a walk."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Loss(enum.Enum):
    """A way in which events are lost."""

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
class Report:
    """A loss; ``path`` is the directory, ``detail`` what the system said."""

    loss: Loss
    path: bytes | None = None
    detail: str = ""
