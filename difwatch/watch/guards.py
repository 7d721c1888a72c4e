"""All watched folders, armed, and when each is walked."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from difwatch.watch.canary import Canary
from difwatch.watch.guard import RootGuard, Surroundings
from difwatch.watch.losses import Loss
from difwatch.watch.mounts import Mount, read_mounts
from difwatch.watch.observer import Inbox
from difwatch.watch.roots import Identity, Root
from difwatch.watch.schedule import WalkSchedule
from difwatch.watch.walked import Walked

log = logging.getLogger(__name__)

_CHECK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class FolderState:
    """A folder; ``state`` is watching, polling, offline or scanning. Not known before the first walk: None."""

    path: bytes
    state: str
    directories: int | None
    unwatched: int | None


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
    before
        The directories that they were at their last complete walks, by path.
    canary
        Proves that events come through; None for no proof.
    confirm_seconds
        Pause before a walk that confirms that files are gone.
    mounts
        Lists the file systems.
    """

    def __init__(
        self,
        roots: Sequence[Root],
        inbox: Inbox,
        has_known: Callable[[Root], bool],
        before: Mapping[bytes, Identity] | None = None,
        canary: Canary | None = None,
        confirm_seconds: float = 5.0,
        mounts: Callable[[], Sequence[Mount]] = read_mounts,
    ) -> None:
        self._inbox = inbox
        self._canary = canary
        self._mounts = mounts
        around = Surroundings(inbox, has_known, canary, self.doubt)
        self._guards = {
            root.path: RootGuard(root, around, (before or {}).get(root.path), WalkSchedule(confirm_seconds))
            for root in roots
        }
        self._checked = 0.0
        self._doubt = False

    def arm(self, observe: bool, now: float) -> list[Root]:
        """Begin to watch."""
        self._checked = now
        mounts = self._mounts()
        armed = [guard for guard in self._guards.values() if guard.arm(observe, now, mounts)]
        self._sing()
        return self._begin(armed)

    def doubt(self) -> None:
        """Make the next `look_after` look in any case, and soon; allowed from any thread."""
        self._doubt = True
        self._inbox.wake()

    def look_after(self, now: float) -> list[Root]:
        """Every few seconds: arm again what went away and came back, and what is no longer watched."""
        due = [guard for guard in self._guards.values() if guard.schedule.is_due(now) and guard.state != "offline"]
        if self._doubt or now - self._checked >= _CHECK_SECONDS:
            self._doubt, self._checked = False, now
            mounts = self._mounts()
            due += [guard for guard in self._guards.values() if guard.check(now, mounts) and guard not in due]
            self._sing()
        return self._begin(due)

    def ask_for_walk(self, path: bytes, when: float) -> None:
        """Let a folder be walked then at the latest."""
        self._guards[path].schedule.ask(when)

    def walked(self, outcome: Walked, now: float, released: bool) -> tuple[bytes, ...]:
        """Take note that the walk of a root has ended; gives the known files that are believed to be gone."""
        return self._guards[outcome.root.path].walked(outcome, now, released)

    def must_confirm(self) -> bool:
        """Tell whether a walk will soon confirm another one."""
        return any(guard.schedule.confirms for guard in self._guards.values())

    def certain_identity(self, root: Root) -> Identity | None:
        """The directory that a root is, None while anything about it is in doubt."""
        return self._guards[root.path].certain_identity

    def device_now(self, root: Root, dev: int) -> int:
        """The number that a device has now, for one that a file of the root was read on."""
        return self._guards[root.path].device_now(dev)

    def is_heard(self) -> bool:
        """Tell whether the events of all watched folders come through, as far as the canary shows."""
        return all(guard.is_heard() for guard in self._guards.values())

    def is_online(self, root: Root) -> bool:
        """Tell whether the folder is there and the one that was armed."""
        return self._guards[root.path].is_online()

    def is_ready(self, path: bytes) -> bool:
        """Tell whether all of a folder is there, is what was armed, and was walked since."""
        return self._guards[path].is_whole()

    def losses(self) -> dict[str, int]:
        """How often something was lost, by what it was; each was answered by new watches and a walk."""
        return {loss.value: sum(guard.losses[loss] for guard in self._guards.values()) for loss in Loss}

    def troubles(self) -> list[str]:
        """What is not watched or not believed, in words."""
        return [trouble for guard in self._guards.values() for trouble in guard.troubles()]

    def states(self) -> list[FolderState]:
        """Each folder."""
        return [
            FolderState(
                path, guard.state, guard.directories, None if guard.directories is None else len(guard.unwatched)
            )
            for path, guard in self._guards.items()
        ]

    def disarm(self) -> None:
        """Stop watching."""
        for guard in self._guards.values():
            guard.disarm()

    def _begin(self, guards: Sequence[RootGuard]) -> list[Root]:
        for guard in guards:
            guard.schedule.begin()
        return [guard.root for guard in guards]

    def _sing(self) -> None:
        if self._canary is not None:
            try:
                self._canary.sing()
            except OSError as error:
                log.warning("%s: %s", os.fsdecode(self._canary.directory), error.strerror)
