"""Whether the store and the lock are still the files that this daemon opened.

Somebody may delete or replace them, or the whole state directory, while the daemon runs. Then another difwatch could
begin to write, and what this one writes would be lost.
"""

from __future__ import annotations

from pathlib import Path

from difwatch import paths
from difwatch.control.lock import WriterLock


class Possession:
    """Remembers which files were opened.

    Parameters
    ----------
    lock
        The lock of the state directory, which is held.
    store
        The store, which is open.
    """

    def __init__(self, lock: WriterLock, store: Path) -> None:
        self._lock = lock
        self._store = store
        self._opened = paths.inode_of(store)

    @property
    def token(self) -> str:
        """The word by which this process is known to whoever reads the lock."""
        return self._lock.token

    def holds_lock(self) -> bool:
        """Tell whether the lock is the one that others would look at."""
        return self._lock.is_in_place()

    def trouble(self) -> str | None:
        """Return which file is another one by now, in words; None if none is."""
        if self._opened is None or paths.inode_of(self._store) != self._opened:
            what = self._store
        elif not self._lock.is_in_place():
            what = self._store.with_name("lock")
        else:
            return None
        return f"{what}: was deleted or replaced while difwatch works with it; it stops, and begins anew when started"
