"""The watched folders, armed: their observers, whether they are still the same folders, and what state that makes."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Sequence

from difwatch.watch.observer import Inbox, RootObserver
from difwatch.watch.roots import Root, identity

log = logging.getLogger(__name__)

_CHECK_SECONDS = 5.0
_POLL_SECONDS = 60.0


class RootGuard:
    """Keeps one root watched.

    Parameters
    ----------
    root
        The folder.
    inbox
        Where its changes go.
    has_known
        Tells whether files are known from it.
    """

    def __init__(self, root: Root, inbox: Inbox, has_known: Callable[[Root], bool]) -> None:
        self.root = root
        self._has_known = has_known
        self._device: int | None = None
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
        why = self._why_offline(self._identity)
        if why is not None:
            self._identity = None
            self.trouble = f"{shown}: {why}; what is known of it is kept"
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
        if was_offline and self._why_offline(identity(self.root.path)) is not None:
            return False
        log.warning("%s: %s", os.fsdecode(self.root.path), "is back" if was_offline else "went away or was replaced")
        return self.arm(observe=True)

    def _why_offline(self, found: tuple[int, int] | None) -> str | None:
        """Why the folder as it is now must not be believed; None if it can be."""
        if found is None:
            return "this folder is not there or cannot be read"
        if self._device is None:
            self._device = found[0]
        if found[0] != self._device:
            return "another file system is at its place (if that is right, start difwatch again)"
        with contextlib.suppress(OSError), os.scandir(self.root.path) as entries:
            if next(entries, None) is None and self._has_known(self.root):
                return "this folder is empty, but files are known from it (is its disk mounted?)"
        return None

    def disarm(self) -> None:
        """Stop watching."""
        if self._observer is not None:
            self._observer.stop()
            self._observer = None


class Guards:
    """All watched folders. Each method that gives roots gives those that must be walked now.

    Parameters
    ----------
    roots
        The folders.
    inbox
        Where their changes go.
    has_known
        Tells whether files are known from a root.
    """

    def __init__(self, roots: Sequence[Root], inbox: Inbox, has_known: Callable[[Root], bool]) -> None:
        self._guards = {root.path: RootGuard(root, inbox, has_known) for root in roots}
        self._checked = self._polled = 0.0
        self._doubt = False

    def arm(self, observe: bool, now: float) -> list[Root]:
        """Begin to watch."""
        self._checked = self._polled = now
        return [self._begin(guard) for guard in self._guards.values() if guard.arm(observe)]

    def doubt(self) -> None:
        """Make the next `look_after` look in any case; allowed from any thread."""
        self._doubt = True

    def look_after(self, now: float) -> list[Root]:
        """Every few seconds: arm again what went away and came back, and what is no longer watched."""
        if not self._doubt and now - self._checked < _CHECK_SECONDS:
            return []
        self._doubt, self._checked = False, now
        poll = now - self._polled >= _POLL_SECONDS
        self._polled = now if poll else self._polled
        return [
            self._begin(guard)
            for guard in self._guards.values()
            if guard.check() or (poll and guard.state == "polling")
        ]

    def scanned(self, root: Root) -> None:
        """Take note that the walk of a root has ended."""
        self._guards[root.path].scanning = False

    def is_online(self, root: Root) -> bool:
        """Tell whether the folder is there and the one that was armed."""
        return self._guards[root.path].is_online()

    def is_ready(self, path: bytes) -> bool:
        """Tell whether the folder of a path is there, is the one that was armed, and was walked since."""
        guard = self._guards[path]
        return guard.is_online() and not guard.scanning

    def troubles(self) -> list[str]:
        """What is not watched, in words."""
        return [guard.trouble for guard in self._guards.values() if guard.trouble]

    def states(self) -> list[tuple[bytes, str]]:
        """Each folder and its state: watching, polling, offline or scanning."""
        return [(path, guard.state) for path, guard in self._guards.items()]

    def disarm(self) -> None:
        """Stop watching."""
        for guard in self._guards.values():
            guard.disarm()

    def _begin(self, guard: RootGuard) -> Root:
        guard.scanning = True
        return guard.root
