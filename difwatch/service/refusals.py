"""Acts that were refused lately: their own traces must not begin the next try."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass

from difwatch.actions.move import Outcome
from difwatch.actions.plan import Act

_SECONDS = 86_400.0
_STALE_SECONDS = 600.0  # where a file is not as it was indexed, which the next look at it mends


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a picture stays: for the bytes of the two pictures, and until a moment."""

    digests: tuple[bytes, bytes]
    reason: str
    until: float


class Refusals:
    """Remembers what was refused, until one of the two pictures has other bytes, or for a day.

    What is refused because a file is not as it was indexed is tried again after ten minutes.

    Going back after a refusal makes events for both files, which are then read anew and planned again. Times are
    seconds of the monotonic clock.
    """

    def __init__(self) -> None:
        self._by_path: dict[bytes, _Refusal] = {}

    def note(self, outcome: Outcome, now: float) -> None:
        """Note how an act ended."""
        act = outcome.act
        self._by_path.pop(act.image.path, None)
        if outcome.state == "refused":
            digests = (act.image.digest, act.keeper.digest)
            until = now + (_STALE_SECONDS if outcome.stale else _SECONDS)
            self._by_path[act.image.path] = _Refusal(digests, outcome.reason or "", until)

    def may_try(self, act: Act, now: float) -> bool:
        """Tell whether an act was not refused lately for the same bytes."""
        refusal = self._by_path.get(act.image.path)
        if refusal is None or refusal.digests != (act.image.digest, act.keeper.digest) or now >= refusal.until:
            self._by_path.pop(act.image.path, None)
            return True
        return False

    def keep_only(self, acts: Iterable[Act]) -> None:
        """Forget what is not planned any more, as its picture or its match is gone."""
        planned = {act.image.path for act in acts}
        self._by_path = {path: refusal for path, refusal in self._by_path.items() if path in planned}

    def next_try(self) -> float:
        """Return when the first of them may be tried again; infinity if there is none."""
        return min((refusal.until for refusal in self._by_path.values()), default=math.inf)

    def note_for_people(self) -> str | None:
        """Return which picture stays and why, in words; None if none does."""
        if not self._by_path:
            return None
        path, refusal = next(iter(self._by_path.items()))
        more = f" (and {len(self._by_path) - 1} more)" if len(self._by_path) > 1 else ""
        return f"{os.fsdecode(path)} stays: {refusal.reason}{more}"
