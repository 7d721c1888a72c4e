"""The watched folders, armed: their observers, whether they are still the same folders, and what state that makes."""

from __future__ import annotations

import collections
import contextlib
import logging
import os
from collections.abc import Callable, Sequence

from difwatch.watch.canary import Canary
from difwatch.watch.losses import Loss
from difwatch.watch.observer import Inbox, RootObserver
from difwatch.watch.roots import Root, identity

log = logging.getLogger(__name__)

_CHECK_SECONDS = 5.0
_POLL_SECONDS = 60.0
_DEAF_SECONDS = 45.0  # without a sign of the canary: longer than a large burst takes to come through
_MUTE_SECONDS = 60.0  # new watches did not help
_LOSSES = {
    Loss.OVERFLOW: "more happened at once than the kernel keeps (fs.inotify.max_queued_events), and events were lost",
    Loss.READER_DIED: "the watcher ended",
    Loss.UNMOUNTED: "a file system was unmounted",
}


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
    canary
        Heard by the observer of the root; None for none.
    alarm
        Called from any thread when there is a loss.
    """

    def __init__(
        self,
        root: Root,
        inbox: Inbox,
        has_known: Callable[[Root], bool],
        canary: Canary | None,
        alarm: Callable[[], None],
    ) -> None:
        self.root = root
        self._has_known = has_known
        self._canary = canary
        self._alarm = alarm
        self._device: int | None = None
        self.scanning = False
        self.trouble: str | None = None
        self.losses: collections.Counter[Loss] = collections.Counter()
        self._inbox = inbox
        self._identity: tuple[int, int] | None = None
        self._observer: RootObserver | None = None
        self._heard = 0.0  # when the canary was heard last
        self._lost: Loss | None = None  # not yet answered

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

    def is_heard(self, now: float) -> bool:
        """Tell whether events come through, as far as the canary shows."""
        return self._observer is None or self._canary is None or now - self._heard < _MUTE_SECONDS

    def arm(self, observe: bool, now: float) -> bool:
        """Begin to watch (before the scan), or only to look where ``observe`` is off; tell whether it is there."""
        self.disarm()
        self._identity = identity(self.root.path)
        self.trouble = None
        self._lost = None
        shown = os.fsdecode(self.root.path)
        why = self._why_offline(self._identity)
        if why is not None:
            self._identity = None
            self.trouble = f"{shown}: {why}; what is known of it is kept"
            log.warning(self.trouble)
            return False
        if observe and self.root.folder.watch != "poll":
            try:
                recursive = self.root.folder.recursive
                self._observer = RootObserver(self.root.path, recursive, self._inbox, self._canary, self._alarm)
                self._heard = now
            except OSError as error:
                self.trouble = f"{shown}: cannot be watched ({error}); it is walked every minute instead"
                log.warning(self.trouble)
        return True

    def check(self, now: float) -> bool:
        """Look after the folder; True when it was armed anew and must be scanned."""
        online = self.is_online()
        if not online:
            was_offline = self._identity is None
            if was_offline and self._why_offline(identity(self.root.path)) is not None:
                return False
            says = "is back" if was_offline else "went away or was replaced"
            if not was_offline:
                self.losses[Loss.UNMOUNTED] += 1
            log.warning("%s: %s", os.fsdecode(self.root.path), says)
            return self.arm(observe=True, now=now)
        self._take_losses(now)
        # Events go on coming after an overflow, so a walk that goes on may end; without a reader nothing comes.
        if self._lost is None or (self._lost is Loss.OVERFLOW and self.scanning):
            return False
        return self.arm(observe=True, now=now)

    def _take_losses(self, now: float) -> None:
        if self._observer is None:
            return
        for report in self._observer.reports():
            self.losses[report.loss] += 1
            if report.loss is not Loss.WATCH_FAILED:  # which are not watched is told after the next walk
                self._lose(report.loss, report.detail)
        if self._observer.heard_canary():
            self._heard = now
        if self._lost is Loss.READER_DIED:
            return
        if not self._observer.is_alive() or now - self._heard > _DEAF_SECONDS:
            self.losses[Loss.READER_DIED] += 1
            self._lose(Loss.READER_DIED, "no events come")

    def _lose(self, loss: Loss, detail: str) -> None:
        if self._lost is not Loss.READER_DIED:
            self._lost = loss
        text = f"{_LOSSES[loss]}{f' ({detail})' if detail else ''}"
        shown = os.fsdecode(self.root.path)
        extra = {"event": "loss", "fields": {"path": shown, "loss": loss.value}}
        log.warning("%s: %s; watching and walking anew", shown, text, extra=extra)

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
    canary
        Proves that events come through; None for no proof.
    """

    def __init__(
        self,
        roots: Sequence[Root],
        inbox: Inbox,
        has_known: Callable[[Root], bool],
        canary: Canary | None = None,
    ) -> None:
        self._inbox = inbox
        self._canary = canary
        self._guards = {root.path: RootGuard(root, inbox, has_known, canary, self.doubt) for root in roots}
        self._checked = self._polled = 0.0
        self._doubt = False

    def arm(self, observe: bool, now: float) -> list[Root]:
        """Begin to watch."""
        self._checked = self._polled = now
        armed = [self._begin(guard) for guard in self._guards.values() if guard.arm(observe, now)]
        self._sing()
        return armed

    def doubt(self) -> None:
        """Make the next `look_after` look in any case, and soon; allowed from any thread."""
        self._doubt = True
        self._inbox.wake()

    def look_after(self, now: float) -> list[Root]:
        """Every few seconds: arm again what went away and came back, and what is no longer watched."""
        if not self._doubt and now - self._checked < _CHECK_SECONDS:
            return []
        self._doubt, self._checked = False, now
        poll = now - self._polled >= _POLL_SECONDS
        self._polled = now if poll else self._polled
        found = [
            self._begin(guard)
            for guard in self._guards.values()
            if guard.check(now) or (poll and guard.state == "polling")
        ]
        self._sing()
        return found

    def is_heard(self, now: float) -> bool:
        """Tell whether the events of all watched folders come through, as far as the canary shows."""
        return all(guard.is_heard(now) for guard in self._guards.values())

    def losses(self) -> dict[str, int]:
        """How often something was lost, by what it was; each was answered by new watches and a walk."""
        counted = {loss.value: 0 for loss in Loss}
        for guard in self._guards.values():
            for loss, count in guard.losses.items():
                counted[loss.value] += count
        return counted

    def _sing(self) -> None:
        if self._canary is not None:
            try:
                self._canary.sing()
            except OSError as error:
                log.warning("%s: %s", os.fsdecode(self._canary.directory), error.strerror)

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
