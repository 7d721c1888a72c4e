"""When a known file is believed to be gone; a walk that does not find it may be wrong. Pure.

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
    """The conclusions from a complete walk.

    Attributes
    ----------
    gone
        The files that are gone.
    again
        Whether another walk must confirm that some files are gone.
    held
        The number of missing files, where these are too many to be believed without a person's word.
    """

    gone: tuple[bytes, ...] = ()
    again: bool = False
    held: int = 0


class Absence:
    """The known files of one folder that walks do not find.

    A file is gone when two complete walks in a row did not find it. Nothing is believed without a person's word where
    more than a hundred and more than a fifth of the known files are missing at once, or where the folder lies on
    another file system than before. While the missing files become fewer, they are being found under other names.
    """

    def __init__(self) -> None:
        self._before: frozenset[bytes] = frozenset()
        self._held: int | None = None

    def judge(self, missing: Collection[bytes], known: int, doubted: bool = False, released: bool = False) -> Belief:
        """Return what to believe after a complete walk.

        Parameters
        ----------
        missing
            The known files that the walk did not find.
        known
            The number of known files.
        doubted
            Whether the folder lies on another file system than before.
        released
            Whether a person said that the missing files are gone.
        """
        if released:
            self.forget()
            return Belief(tuple(missing))
        if missing and (doubted or len(missing) > max(_MOST_FILES, known // _MOST_SHARE)):
            self._before = frozenset()
            last, self._held = self._held, len(missing)
            return Belief(again=not doubted and (last is None or len(missing) < last), held=len(missing))
        self._held = None
        gone = tuple(path for path in missing if path in self._before)
        self._before = frozenset(missing).difference(gone)
        return Belief(gone, bool(self._before))

    def forget(self) -> None:
        """Forget what earlier walks did not find."""
        self._before, self._held = frozenset(), None
