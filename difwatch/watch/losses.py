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


@dataclass(frozen=True, slots=True)
class Report:
    """A loss; ``path`` is the directory, ``detail`` what the system said."""

    loss: Loss
    path: bytes | None = None
    detail: str = ""
