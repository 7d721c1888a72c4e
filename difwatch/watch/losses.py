"""How a watcher reports that events were lost."""

from __future__ import annotations

from dataclasses import dataclass

from difwatch.model.health import Loss


@dataclass(frozen=True, slots=True)
class Report:
    """A loss; ``path`` is the directory, ``detail`` what the system said."""

    loss: Loss
    path: bytes | None = None
    detail: str = ""
