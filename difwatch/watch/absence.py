"""When is a known file believed to be gone? A walk that does not find it may be wrong. Pure.

Deletions that the kernel reports do not come here: an event says that somebody deleted the file, while a walk says
only that it was not seen.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

_MOST_FILES = 100
_MOST_SHARE = 5  # a fifth


@dataclass(frozen=True, slots=True)
class Belief:
    """What a complete walk lets believe.

    Attributes
    ----------
    gone
        The files that are gone.
    again
        Whether another walk must confirm some.
    held
        How many are missing, where that is too many to be believed without a person's word.
    """

    gone: tuple[bytes, ...] = ()
    again: bool = False
    held: int = 0


class Absence:
    """The known files of one folder that walks do not find.

    A file is gone when two complete walks in a row did not find it. Where more than a hundred and more than a fifth
    of the known files are missing at once, or the folder lies on another file system than before, nothing is believed
    without a person's word; but as long as they become fewer, they are being found under other names.
    """

    def __init__(self) -> None:
        self._before: frozenset[bytes] = frozenset()
        self._held: int | None = None

    def judge(self, missing: Collection[bytes], known: int, doubted: bool = False, released: bool = False) -> Belief:
        """What to believe after a complete walk.

        Parameters
        ----------
        missing
            The known files that it did not find.
        known
            How many files are known.
        doubted
            The folder lies on another file system than before.
        released
            A person said that what is missing is gone.
        """
        if released:
            self.forget()
            return Belief(tuple(missing))
        if missing and (doubted or len(missing) > max(_MOST_FILES, known // _MOST_SHARE)):
            self._before = frozenset()
            before, self._held = self._held, len(missing)
            return Belief(again=not doubted and (before is None or len(missing) < before), held=len(missing))
        self._held = None
        gone = tuple(path for path in missing if path in self._before)
        self._before = frozenset(missing).difference(gone)
        return Belief(gone, bool(self._before))

    def forget(self) -> None:
        """Begin anew: what was seen before does not count any more."""
        self._before, self._held = frozenset(), None
