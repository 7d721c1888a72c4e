"""One watched folder, armed: whether it is there, the same and whole, and which of its files are believed gone.

A folder that lies on another file system than before is walked, not refused: device numbers and ids change with
cables and kernels. If all known files are found, it is the same folder.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass

from difwatch.model.health import FolderActivity, Loss
from difwatch.tree.identity import Identity, identity
from difwatch.tree.mounts import Mount, mount_at, mounts_of
from difwatch.tree.roots import Root
from difwatch.tree.walked import Walked
from difwatch.watch.absence import Absence, Belief
from difwatch.watch.listening import Listening
from difwatch.watch.presence import KnownFiles
from difwatch.watch.schedule import WalkSchedule

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Armed:
    """A folder as it was when it was armed.

    Attributes
    ----------
    identity
        The identity of its directory.
    mounts
        The file systems at and below it.
    is_remote, is_partly_remote
        Whether its files, or some of them, may change on another machine, which causes no events here.
    is_layered
        Whether a file may be on another device than its directory (overlayfs).
    """

    identity: Identity
    mounts: frozenset[Mount]
    is_remote: bool
    is_partly_remote: bool
    is_layered: bool

    @classmethod
    def of(cls, root: Root, identity: Identity, mounts: Sequence[Mount]) -> Armed:
        """Return what the list of file systems says about a folder."""
        own = mount_at(root.path, mounts)
        all_of_it = mounts_of(root.path, mounts)
        below = [mount for mount in all_of_it if mount != own and root.admits_directory(mount.path)]
        return cls(
            identity,
            all_of_it,
            is_remote=own is not None and own.is_remote,
            is_partly_remote=any(mount.is_remote for mount in below),
            is_layered=own is not None and own.is_layered,
        )


class RootGuard:
    """Keeps one root watched. Times are seconds of the monotonic clock.

    Parameters
    ----------
    root
        The folder.
    known_files
        Tells whether files are known from the folder.
    listening
        Listens to the events of the folder.
    before
        The identity of the directory at its last complete walk.
    schedule
        When the folder is walked.

    Attributes
    ----------
    armed
        The folder as it was when it was armed; None while it is away.
    """

    def __init__(
        self,
        root: Root,
        known_files: KnownFiles,
        listening: Listening,
        before: Identity | None,
        schedule: WalkSchedule,
    ) -> None:
        self.root = root
        self.schedule = schedule
        self.listening = listening
        self.armed: Armed | None = None
        self._known_files = known_files
        self._before = before
        self._absence = Absence()
        self._belief = Belief()
        self._observe = True
        self._trouble: str | None = None
        self._away = 0  # known files on a file system that is not there
        self._doubted = False  # another file system is at its place

    @property
    def state(self) -> FolderActivity:
        """What is being done with the folder."""
        if self.armed is None:
            return "offline"
        if self.schedule.is_walking:
            return "scanning"
        return "watching" if self.listening.is_on else "polling"

    @property
    def certain_identity(self) -> Identity | None:
        """The identity of the directory; None while anything about the folder is in doubt."""
        return self.armed.identity if self.armed and self.is_whole() else None

    def is_elsewhere(self, dev: int, device_now: int | None) -> bool:
        """Tell whether a file that was on device ``dev`` lies on a file system that is not there now.

        ``device_now`` is the device of the file's directory; None if unknown. The device number of the folder's own
        file system may have been another one before the last start of the machine.
        """
        if device_now is None or self.armed is None or self.armed.is_layered:
            return False
        is_own = self._before is not None and dev == self._before.dev and not self._doubted
        return device_now != (self.armed.identity.dev if is_own else dev)

    def is_online(self) -> bool:
        """Tell whether the folder is there and the one that was armed; only then can a file in it be gone."""
        return self.armed is not None and identity(self.root.path) == self.armed.identity

    def is_whole(self) -> bool:
        """Tell whether the whole folder is there, was walked since it was armed, and is not in doubt."""
        doubts = self._doubted or self._belief.again or self._belief.held or self._away
        return self.is_online() and not self.schedule.is_walking and not doubts

    def troubles(self) -> list[str]:
        """Return what is not watched or not believed, in words."""
        shown = os.fsdecode(self.root.path)
        release = f"'difwatch forget {shown}'"
        texts = [self._trouble] if self._trouble else []
        if self._doubted:
            texts.append(
                f"{shown}: another file system is at its place; what is known of it is kept until all of it is "
                f"found, or until {release}"
            )
        elif self._belief.held and not self._belief.again:
            texts.append(
                f"{shown}: {self._belief.held} known files are missing at once and are kept; if they are gone, say "
                f"{release}"
            )
        if self._away:
            texts.append(
                f"{shown}: {self._away} known files are on a file system that is not mounted and are kept; "
                f"if they are gone, say {release}"
            )
        if unwatched := self.listening.trouble():
            texts.append(f"{shown}: {unwatched}")
        return texts

    def arm(self, observe: bool, now: float, mounts: Sequence[Mount]) -> bool:
        """Arm the folder before its walk, listening only if ``observe``; return whether the folder is there."""
        self.listening.stop()
        self._observe = observe
        self.armed = self._trouble = None
        self._absence.forget()
        shown = os.fsdecode(self.root.path)
        there = identity(self.root.path)
        reason = self._why_offline(there)
        if there is None or reason is not None:
            self._trouble = f"{shown}: what is known of it is kept: {reason}"
            log.warning(self._trouble)
            return False
        self.armed = Armed.of(self.root, there, mounts)
        is_other = self._before is not None and there.fsid != self._before.fsid
        self._doubted = is_other and self._known_files.has_known(self.root)
        mode = self.root.folder.watch
        if observe and mode != "poll" and not (mode == "auto" and self.armed.is_remote):
            reason = self.listening.start(now)
            if reason is not None:
                self._trouble = f"{shown}: {reason}"
                log.warning(self._trouble)
        return True

    def check(self, now: float, mounts: Sequence[Mount]) -> bool:
        """Check the folder; return whether it was armed again and must be walked."""
        if self.armed is None or not self.is_online():
            return self._come_back(now, mounts)
        self.listening.check(now)
        if mounts_of(self.root.path, mounts) != self.armed.mounts:
            self.listening.lose(Loss.UNMOUNTED)
        # Events still come after an overflow, so a running walk may end; without a reader none come.
        lost = self.listening.lost
        if lost is None or (lost is Loss.OVERFLOW and self.schedule.is_walking):
            return False
        return self.arm(self._observe, now, mounts)

    def walked(self, walked: Walked, now: float, released: bool) -> tuple[bytes, ...]:
        """Judge a complete walk; return the known files that are believed to be gone.

        ``released`` is a person's word that the missing files are gone.
        """
        self.schedule.end(walked.seconds)
        if self.armed is None or not self.is_online():
            self._absence.forget()
            return ()
        self._belief = self._absence.judge(walked.missing, walked.known, self._doubted, released)
        self._away = 0 if released else len(walked.away)
        self._doubted = self._doubted and bool(walked.missing or walked.away) and not released
        self._before = self.certain_identity or self._before
        self.listening.audit(walked, now)
        uncertain = walked.is_blind or self._away or self._belief.held or self._doubted
        partly_remote = self.root.folder.watch == "auto" and self.armed.is_partly_remote
        polled = not self.listening.is_on or partly_remote or bool(self.listening.unwatched)
        self.schedule.plan(now, self._belief.again, polled, bool(uncertain))
        return (*self._belief.gone, *(walked.away if released else ()))

    def _come_back(self, now: float, mounts: Sequence[Mount]) -> bool:
        if self.armed is None:
            if self._why_offline(identity(self.root.path)) is not None:
                return False
            log.warning("%s: is back", os.fsdecode(self.root.path))
        else:
            self.listening.losses[Loss.UNMOUNTED] += 1
            log.warning("%s: went away or was replaced", os.fsdecode(self.root.path))
        return self.arm(self._observe, now, mounts)

    def _why_offline(self, there: Identity | None) -> str | None:
        """Return, in words, why the folder must not be believed as it is now; None if it may be."""
        if there is None:
            return "this folder is not there or cannot be read"
        with contextlib.suppress(OSError), os.scandir(self.root.path) as entries:
            if next(entries, None) is None and self._known_files.has_known(self.root):
                reason = "this folder is empty, but files are known from it (is its disk mounted?)"
                return f"{reason}; if they are gone, say 'difwatch forget {os.fsdecode(self.root.path)}'"
        return None
