"""One watched folder, armed: its observer, whether it is still the same folder, and what a walk of it shows."""

from __future__ import annotations

import collections
import contextlib
import errno
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from difwatch.watch.absence import Absence, Belief
from difwatch.watch.audit import kernel_watches, unwatched
from difwatch.watch.canary import Canary
from difwatch.watch.losses import Loss
from difwatch.watch.mounts import Mount, mount_at, mounts_of
from difwatch.watch.observer import Inbox, RootObserver
from difwatch.watch.roots import Identity, Root, identity
from difwatch.watch.schedule import WalkSchedule
from difwatch.watch.walked import Walked

log = logging.getLogger(__name__)

# Checks in a row without a sign of the canary, five seconds apart: longer than a large burst takes to come through.
# They are counted, because the time that this process was stopped says nothing.
_DEAF_CHECKS = 9
_MUTE_CHECKS = 12  # new watches did not help
_BETWEEN_CHECKS = 4.0
_SOON_SECONDS = 5.0  # after which a refused watch is answered by a walk: there may be more of them
_ASK_FIRST, _ASK_MOST = 60.0, 86_400.0  # refused watches are asked for again after longer and longer pauses
_RAISE_LIMITS = "raise fs.inotify.max_user_watches and max_user_instances (systemd/sysctl.d/60-difwatch.conf)"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a guard works with.

    Attributes
    ----------
    inbox
        Where changes go.
    has_known
        Tells whether files are known from a root, and nobody said that what is missing is gone.
    canary
        Heard by each observer; None for none.
    alarm
        Called from any thread when there is a loss.
    """

    inbox: Inbox
    has_known: Callable[[Root], bool]
    canary: Canary | None
    alarm: Callable[[], None]


class RootGuard:
    """Keeps one root watched.

    Parameters
    ----------
    root
        The folder.
    around
        What it works with.
    before
        The directory that it was at its last complete walk.
    schedule
        When it is walked.
    """

    def __init__(self, root: Root, around: Surroundings, before: Identity | None, schedule: WalkSchedule) -> None:
        self.root = root
        self.schedule = schedule
        self.directories: int | None = None
        self.unwatched: tuple[bytes, ...] = ()
        self.losses: collections.Counter[Loss] = collections.Counter()
        self._around = around
        self._before = before
        self._identity: Identity | None = None
        self._mounts: frozenset[Mount] = frozenset()
        self._is_partly_remote = False
        self._absence = Absence()
        self._observer: RootObserver | None = None
        self._trouble: str | None = None
        self._walked = Belief()
        self._away = 0
        self._doubted = False
        self._refused = ""  # why the system refused a watch
        self._ask_at, self._ask_pause = 0.0, _ASK_FIRST  # when refused watches are asked for again
        self._silent = 0  # checks in a row without a sign of the canary
        self._listened = 0.0
        self._lost: Loss | None = None  # not yet answered

    @property
    def state(self) -> str:
        """watching, polling, offline or scanning."""
        if self._identity is None:
            return "offline"
        if self.schedule.is_walking:
            return "scanning"
        return "watching" if self._observer else "polling"

    @property
    def certain_identity(self) -> Identity | None:
        """The directory that it is, None while anything about it is in doubt."""
        return self._identity if self.is_whole() else None

    def device_now(self, dev: int) -> int:
        """The number that a device has now; that of the root's file system may have been another one."""
        same = self._before is not None and self._identity is not None and dev == self._before.dev
        return self._identity.dev if same and self._identity is not None and not self._doubted else dev

    def is_online(self) -> bool:
        """Tell whether the folder is there and the one that was armed; only then can a file in it be gone."""
        return self._identity is not None and identity(self.root.path) == self._identity

    def is_whole(self) -> bool:
        """Tell whether all of it is there, was walked since it was armed, and nothing about it is in doubt."""
        doubts = self._doubted or self._walked.again or self._walked.held or self._away
        return self.is_online() and not self.schedule.is_walking and not doubts

    def is_heard(self) -> bool:
        """Tell whether events come through, as far as the canary shows."""
        return self._observer is None or self._silent < _MUTE_CHECKS

    def troubles(self) -> list[str]:
        """What is not watched or not believed, in words."""
        shown = os.fsdecode(self.root.path)
        found = [self._trouble] if self._trouble else []
        if self._doubted:
            found.append(
                f"{shown}: another file system is at its place; what is known of it is kept until all of it is "
                f"found, or until 'difwatch forget {shown}'"
            )
        elif self._walked.held and not self._walked.again:
            found.append(
                f"{shown}: {self._walked.held} known files are missing at once and are kept; "
                f"if they are gone, say 'difwatch forget {shown}'"
            )
        if self._away:
            found.append(
                f"{shown}: {self._away} known files are on a file system that is not mounted and are kept; "
                f"if they are gone, say 'difwatch forget {shown}'"
            )
        if self.unwatched:
            found.append(f"{shown}: {self._unwatched_text()}")
        return found

    def arm(self, observe: bool, now: float, mounts: Sequence[Mount]) -> bool:
        """Begin to watch (before the walk), or only to look where ``observe`` is off; tell whether it is there."""
        self.disarm()
        self._identity = identity(self.root.path)
        self._mounts = mounts_of(self.root.path, mounts)
        here = mount_at(self.root.path, mounts)
        self.root.is_remote = here is not None and here.is_remote
        self.root.is_layered = here is not None and here.kind == b"overlay"
        below = [one for one in self._mounts if one != here and self.root.admits_directory(one.path)]
        self._is_partly_remote = self.root.folder.watch == "auto" and any(one.is_remote for one in below)
        self._trouble = self._lost = None
        self._absence.forget()
        shown = os.fsdecode(self.root.path)
        why = self._why_offline(self._identity)
        if why is not None:
            self._identity = None
            self._trouble = f"{shown}: what is known of it is kept: {why}"
            log.warning(self._trouble)
            return False
        self._doubted = self._is_other_file_system()
        if observe and not self._is_polled():
            try:
                around, recursive = self._around, self.root.folder.recursive
                self._observer = RootObserver(self.root.path, recursive, around.inbox, around.canary, around.alarm)
                self._listened = now
            except OSError as error:
                hint = f"; {_RAISE_LIMITS}" if error.errno in (errno.ENOSPC, errno.EMFILE) else ""
                self._trouble = f"{shown}: cannot be watched ({error}); it is walked every minute instead{hint}"
                log.warning(self._trouble)
        return True

    def check(self, now: float, mounts: Sequence[Mount]) -> bool:
        """Look after the folder; True when it was armed anew and must be walked."""
        if not self.is_online():
            return self._come_back(now, mounts)
        self._take_losses(now)
        if mounts_of(self.root.path, mounts) != self._mounts:
            self._lose(Loss.UNMOUNTED)
        # Events go on coming after an overflow, so a walk that goes on may end; without a reader nothing comes.
        if self._lost is None or (self._lost is Loss.OVERFLOW and self.schedule.is_walking):
            return False
        return self.arm(True, now, mounts)

    def walked(self, outcome: Walked, now: float, released: bool) -> tuple[bytes, ...]:
        """Take in what a complete walk showed; gives the known files that are believed to be gone.

        ``released`` is a person's word that what is missing is gone.
        """
        self.schedule.end(outcome.seconds)
        if not self.is_online():
            self._absence.forget()
            return ()
        self._walked = self._absence.judge(outcome.missing, outcome.known, self._doubted, released)
        self._away = 0 if released else len(outcome.away)
        self._doubted = self._doubted and bool(outcome.missing or outcome.away) and not released
        self._before = self.certain_identity or self._before
        self._audit(outcome, now)
        uncertain = outcome.is_blind or self._away or self._walked.held or self._doubted
        polled = self._observer is None or self._is_partly_remote or bool(self.unwatched)
        self.schedule.plan(now, self._walked.again, polled, bool(uncertain))
        return (*self._walked.gone, *(outcome.away if released else ()))

    def disarm(self) -> None:
        """Stop watching."""
        if self._observer is not None:
            self._observer.stop()
            self._observer = None

    def _come_back(self, now: float, mounts: Sequence[Mount]) -> bool:
        if self._identity is None:
            if self._why_offline(identity(self.root.path)) is not None:
                return False
            log.warning("%s: is back", os.fsdecode(self.root.path))
        else:
            self.losses[Loss.UNMOUNTED] += 1
            log.warning("%s: went away or was replaced", os.fsdecode(self.root.path))
        return self.arm(True, now, mounts)

    def _take_losses(self, now: float) -> None:
        if self._observer is None:
            return
        self._take_reports(self._observer, now)
        if not self._observer.is_alive() or self._is_deaf(now):
            self._lose(Loss.READER_DIED, "no events come")

    def _take_reports(self, observer: RootObserver, now: float) -> None:
        for report in observer.reports():
            if report.loss is Loss.WATCH_FAILED:  # which ones is told after the next walk
                self.losses[report.loss] += 1
                self._refused = report.detail
                self.schedule.ask(now + _SOON_SECONDS)
            else:
                self._lose(report.loss, report.detail)

    def _is_deaf(self, now: float) -> bool:
        assert self._observer is not None
        if self._around.canary is None or self._observer.heard_canary():
            self._silent = 0
        elif now - self._listened >= _BETWEEN_CHECKS:
            self._listened = now
            self._silent += 1
        return self._silent >= _DEAF_CHECKS

    def _lose(self, loss: Loss, detail: str = "") -> None:
        if self._lost in (loss, Loss.READER_DIED):
            return
        self._lost = loss
        if not (loss is Loss.WATCH_FAILED and self._refused):  # each one was counted when it was refused
            self.losses[loss] += 1
        text = f"{loss.text}{f' ({detail})' if detail else ''}"
        shown = os.fsdecode(self.root.path)
        extra = {"event": "loss", "fields": {"path": shown, "loss": loss.value}}
        log.warning("%s: %s; watching and walking anew", shown, text, extra=extra)

    def _audit(self, outcome: Walked, now: float) -> None:
        """Compare what the kernel watches with the directories that were found."""
        self.directories = len(outcome.directories)
        if self._observer is None:
            self.unwatched = ()
            return
        self._take_reports(self._observer, now)
        self.unwatched = tuple(unwatched(outcome.directories, kernel_watches(self._observer.descriptor)))
        if not self.unwatched:
            self._ask_at, self._ask_pause, self._refused = now, _ASK_FIRST, ""
        elif now >= self._ask_at:
            self._ask_at, self._ask_pause = now + self._ask_pause, min(2 * self._ask_pause, _ASK_MOST)
            self._lose(Loss.WATCH_FAILED, self._unwatched_text())
            self._around.alarm()

    def _unwatched_text(self) -> str:
        text = (
            f"{len(self.unwatched)} of {self.directories} folders are not watched, such as "
            f"{os.fsdecode(self.unwatched[0])}; they are walked every minute"
        )
        if "limit" in self._refused:
            text += f"; {_RAISE_LIMITS}"
        return f"{text} ({self._refused})" if self._refused else text

    def _is_polled(self) -> bool:
        watch = self.root.folder.watch
        return watch == "poll" or (watch == "auto" and self.root.is_remote)

    def _is_other_file_system(self) -> bool:
        now, before = self._identity, self._before
        return (
            now is not None and before is not None and now.fsid != before.fsid and self._around.has_known(self.root)
        )

    def _why_offline(self, found: Identity | None) -> str | None:
        """Why the folder as it is now must not be believed; None if it can be."""
        if found is None:
            return "this folder is not there or cannot be read"
        with contextlib.suppress(OSError), os.scandir(self.root.path) as entries:
            if next(entries, None) is None and self._around.has_known(self.root):
                why = "this folder is empty, but files are known from it (is its disk mounted?)"
                return f"{why}; if they are gone, say 'difwatch forget {os.fsdecode(self.root.path)}'"
        return None
