"""All watched folders, armed, and when each is walked."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence

from difwatch.model.health import FolderHealth, Loss
from difwatch.tree.identity import Identity
from difwatch.tree.mounts import Mount, read_mounts
from difwatch.tree.roots import Root
from difwatch.watch.canary import Canary
from difwatch.watch.guard import RootGuard
from difwatch.watch.inbox import Inbox
from difwatch.watch.listening import Listening
from difwatch.watch.presence import KnownFiles
from difwatch.watch.schedule import WalkSchedule

log = logging.getLogger(__name__)

_CHECK_SECONDS = 5.0


class Guards:
    """All watched folders. Times are seconds of the monotonic clock.

    Parameters
    ----------
    roots
        The folders.
    inbox
        Where the changes go.
    known_files
        Tells whether files are known from a folder.
    before
        The identities of the directories at their last complete walks, by path.
    canary
        A file whose events must come through; None for no such proof.
    confirm_seconds
        Pause before a walk that confirms that files are gone.
    mounts
        Lists the file systems.
    """

    def __init__(
        self,
        roots: Sequence[Root],
        inbox: Inbox,
        known_files: KnownFiles,
        before: Mapping[bytes, Identity] | None = None,
        canary: Canary | None = None,
        confirm_seconds: float = 5.0,
        mounts: Callable[[], Sequence[Mount]] = read_mounts,
    ) -> None:
        self._inbox = inbox
        self._canary = canary
        self._mounts = mounts
        self._guards: dict[bytes, RootGuard] = {}
        for root in roots:
            schedule = WalkSchedule(confirm_seconds)
            listening = Listening(root, inbox, canary, self, schedule)
            identity = (before or {}).get(root.path)
            self._guards[root.path] = RootGuard(root, known_files, listening, identity, schedule)
        self._checked = 0.0
        self._doubt = False

    def of(self, path: bytes) -> RootGuard:
        """Return the guard of a watched folder."""
        return self._guards[path]

    def arm(self, observe: bool, now: float) -> list[Root]:
        """Begin to watch; return the folders that must be walked now."""
        self._checked = now
        mounts = self._mounts()
        armed = [guard for guard in self._guards.values() if guard.arm(observe, now, mounts)]
        self._touch_canary()
        return _begun(armed)

    def disarm(self) -> None:
        """Stop watching."""
        for guard in self._guards.values():
            guard.listening.stop()

    def doubt(self) -> None:
        """Make `look_after` check all folders soon; allowed from any thread."""
        self._doubt = True
        self._inbox.wake()

    def look_after(self, now: float) -> list[Root]:
        """Return the folders that must be walked now.

        Every few seconds, folders that came back or are no longer watched are armed again.
        """
        due = [guard for guard in self._guards.values() if guard.schedule.is_due(now) and guard.armed is not None]
        if self._doubt or now - self._checked >= _CHECK_SECONDS:
            self._doubt, self._checked = False, now
            mounts = self._mounts()
            due += [guard for guard in self._guards.values() if guard.check(now, mounts) and guard not in due]
            self._touch_canary()
        return _begun(due)

    def must_confirm(self) -> bool:
        """Tell whether a walk will soon confirm another one."""
        return any(guard.schedule.confirms for guard in self._guards.values())

    def is_heard(self) -> bool:
        """Tell whether the events of all watched folders come through, judged by the canary."""
        return all(guard.listening.is_heard() for guard in self._guards.values())

    def losses(self) -> dict[str, int]:
        """Return how often events were lost, by the kind of loss."""
        return {loss.value: sum(guard.listening.losses[loss] for guard in self._guards.values()) for loss in Loss}

    def troubles(self) -> list[str]:
        """Return what is not watched or not believed, in words."""
        return [trouble for guard in self._guards.values() for trouble in guard.troubles()]

    def health(self) -> list[FolderHealth]:
        """Return the health of each folder."""
        return [
            FolderHealth(
                path,
                guard.state,
                guard.listening.directories,
                None if guard.listening.directories is None else len(guard.listening.unwatched),
            )
            for path, guard in self._guards.items()
        ]

    def _touch_canary(self) -> None:
        if self._canary is not None:
            try:
                self._canary.touch()
            except OSError as error:
                log.warning("%s: %s", os.fsdecode(self._canary.directory), error.strerror)


def _begun(guards: Sequence[RootGuard]) -> list[Root]:
    for guard in guards:
        guard.schedule.begin()
    return [guard.root for guard in guards]
