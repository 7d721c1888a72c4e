"""Work for idle times: purges of pictures that no file has any more, and daily copies of the store."""

from __future__ import annotations

import logging
import threading
from datetime import date
from pathlib import Path

from difwatch.errors import StoreBusyError, StoreFullError
from difwatch.pipeline.keep import Keeper
from difwatch.shown import shown_count
from difwatch.store import backups

log = logging.getLogger(__name__)

_PURGE_SECONDS = 600.0


class Housekeeping:
    """Keeps a store in order. Times are seconds of the monotonic clock.

    Parameters
    ----------
    store
        The file of the store.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._purged_at: float | None = None
        self._dirty = True
        self._copying: threading.Thread | None = None

    def note_work(self) -> None:
        """Note that the store has changed."""
        self._dirty = True

    def expect(self) -> None:
        """Make the next purge due, however recent the last one is."""
        self._dirty, self._purged_at = True, None

    def is_due(self, now: float) -> bool:
        """Tell whether there may be something to purge, and the last purge is not recent."""
        return self._dirty and (self._purged_at is None or now - self._purged_at >= _PURGE_SECONDS)

    def purge(self, keeper: Keeper, now: float) -> None:
        """Forget the pictures that no file has any more."""
        self._purged_at = now
        try:
            forgotten = keeper.purge()
        except (StoreBusyError, StoreFullError) as error:
            log.warning("pictures that no file has any more are not forgotten yet (%s)", error)
            return
        self._dirty = False
        if forgotten:
            log.info("forgot %s that no file has any more, or of a former recipe", shown_count(forgotten, "picture"))

    def copy(self, day: date) -> None:
        """Copy the store once a day, in a separate thread because a large store takes minutes."""

        def copy() -> None:
            if trouble := backups.back_up(self._store, day):
                log.warning(trouble)

        if self._copying is None or not self._copying.is_alive():
            self._copying = threading.Thread(target=copy, name="backup", daemon=True)
            self._copying.start()
