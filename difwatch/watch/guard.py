"""One watched folder, armed: its observer, whether it is still the same folder, and what state that makes."""

from __future__ import annotations

import logging
import os

from difwatch.watch.observer import Inbox, RootObserver
from difwatch.watch.roots import Root, identity

log = logging.getLogger(__name__)


class RootGuard:
    """Keeps one root watched.

    Parameters
    ----------
    root
        The folder.
    inbox
        Where its changes go.
    """

    def __init__(self, root: Root, inbox: Inbox) -> None:
        self.root = root
        self.scanning = False
        self.trouble: str | None = None
        self._inbox = inbox
        self._identity: tuple[int, int] | None = None
        self._observer: RootObserver | None = None

    @property
    def state(self) -> str:
        """watching, polling, offline or scanning."""
        if self._identity is None:
            return "offline"
        if self.scanning:
            return "scanning"
        return "watching" if self._observer else "polling"

    def is_online(self) -> bool:
        """Tell whether the folder is there and the one that was armed; only then can a file in it be gone."""
        return self._identity is not None and identity(self.root.path) == self._identity

    def arm(self, observe: bool) -> bool:
        """Begin to watch (before the scan), or only to look where ``observe`` is off; tell whether it is there."""
        self.disarm()
        self._identity = identity(self.root.path)
        self.trouble = None
        shown = os.fsdecode(self.root.path)
        if self._identity is None:
            self.trouble = f"{shown}: this folder is not there or cannot be read; what is known of it is kept"
            log.warning(self.trouble)
            return False
        if observe and self.root.folder.watch != "poll":
            try:
                self._observer = RootObserver(self.root.path, self.root.folder.recursive, self._inbox)
            except OSError as error:
                self.trouble = f"{shown}: cannot be watched ({error}); it is walked every minute instead"
                log.warning(self.trouble)
        return True

    def check(self) -> bool:
        """Look after the folder; True when it was armed anew and must be scanned."""
        if self.is_online() and (self._observer is None or self._observer.is_alive()):
            return False
        was_offline = self._identity is None
        if was_offline and identity(self.root.path) is None:
            return False
        log.warning("%s: %s", os.fsdecode(self.root.path), "is back" if was_offline else "went away or was replaced")
        return self.arm(observe=True)

    def disarm(self) -> None:
        """Stop watching."""
        if self._observer is not None:
            self._observer.stop()
            self._observer = None
