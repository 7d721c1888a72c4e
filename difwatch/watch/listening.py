"""The events of one folder: whether they come through, what was lost, and which directories are not watched."""

from __future__ import annotations

import collections
import errno
import logging
import os

from difwatch.model.health import Loss
from difwatch.tree.roots import Root
from difwatch.tree.walked import Walked
from difwatch.watch.audit import kernel_watches, unwatched
from difwatch.watch.canary import Canary
from difwatch.watch.inbox import Inbox
from difwatch.watch.observer import Alarm, RootObserver
from difwatch.watch.schedule import WalkSchedule

log = logging.getLogger(__name__)

# Checks in a row without a sign of the canary, five seconds apart: longer than a large burst takes to come through.
# Checks are counted, not seconds, because the time for which this process was stopped says nothing.
_DEAF_CHECKS = 9
_MUTE_CHECKS = 12  # new watches did not help
_BETWEEN_CHECKS = 4.0
_SOON_SECONDS = 5.0  # from a refused watch to the walk that answers it: more may be refused
_ASK_FIRST, _ASK_MOST = 60.0, 86_400.0  # growing pauses before refused watches are asked for again
_RAISE_LIMITS = "raise fs.inotify.max_user_watches and max_user_instances (systemd/sysctl.d/60-difwatch.conf)"


class Listening:
    """Listens to one folder. Times are seconds of the monotonic clock.

    Parameters
    ----------
    root
        The folder.
    inbox
        Where the changes go.
    canary
        A file whose events must come through; None for no such proof.
    alarm
        Raised when events are lost.
    schedule
        Asked for a walk soon where a watch is refused.

    Attributes
    ----------
    losses
        How often events were lost, by the kind of loss.
    lost
        The loss that is not answered yet by new watches.
    directories
        The number of directories that the last walk found; None before a walk.
    unwatched
        Those directories that the kernel does not watch.
    observer
        None while the folder is not listened to.
    """

    def __init__(self, root: Root, inbox: Inbox, canary: Canary | None, alarm: Alarm, schedule: WalkSchedule) -> None:
        self.losses: collections.Counter[Loss] = collections.Counter()
        self.lost: Loss | None = None
        self.directories: int | None = None
        self.unwatched: tuple[bytes, ...] = ()
        self._root = root
        self._inbox = inbox
        self._canary = canary
        self._alarm = alarm
        self._schedule = schedule
        self.observer: RootObserver | None = None
        self._refused = ""  # why the system refused a watch
        self._ask_at, self._ask_pause = 0.0, _ASK_FIRST  # when refused watches are asked for again
        self._silent = 0  # checks in a row without a sign of the canary
        self._listened = 0.0

    @property
    def is_on(self) -> bool:
        """Whether the folder is listened to."""
        return self.observer is not None

    def start(self, now: float) -> str | None:
        """Begin to listen; return, in words, why the folder cannot be watched, or None."""
        try:
            folder = self._root.folder
            self.observer = RootObserver(folder.path, folder.recursive, self._inbox, self._canary, self._alarm)
        except OSError as error:
            hint = f"; {_RAISE_LIMITS}" if error.errno in (errno.ENOSPC, errno.EMFILE) else ""
            return f"cannot be watched ({error}); it is walked every minute instead{hint}"
        self._listened = now
        return None

    def stop(self) -> None:
        """Stop listening, and clear the loss; the caller answers it."""
        self.lost = None
        if self.observer is not None:
            self.observer.stop()
            self.observer = None

    def is_heard(self) -> bool:
        """Tell whether events come through, judged by the canary."""
        return self.observer is None or self._silent < _MUTE_CHECKS

    def check(self, now: float) -> None:
        """Find out whether events were lost."""
        if self.observer is None:
            return
        self._take_reports(self.observer, now)
        if not self.observer.is_alive() or self._is_deaf(self.observer, now):
            self.lose(Loss.READER_DIED, "no events come")

    def lose(self, loss: Loss, detail: str = "") -> None:
        """Note that events were lost; each loss is counted and logged once."""
        if self.lost in (loss, Loss.READER_DIED):
            return
        self.lost = loss
        if not (loss is Loss.WATCH_FAILED and self._refused):  # each refused watch was counted already
            self.losses[loss] += 1
        text = f"{loss.text}{f' ({detail})' if detail else ''}"
        shown = os.fsdecode(self._root.path)
        extra = {"event": "loss", "fields": {"path": shown, "loss": loss.value}}
        log.warning("%s: %s; watching and walking anew", shown, text, extra=extra)

    def audit(self, walked: Walked, now: float) -> None:
        """Compare what the kernel watches with the directories that a walk found."""
        self.directories = len(walked.directories)
        if self.observer is None:
            self.unwatched = ()
            return
        self._take_reports(self.observer, now)
        self.unwatched = tuple(unwatched(walked.directories, kernel_watches(self.observer.reader.descriptor)))
        if not self.unwatched:
            self._ask_at, self._ask_pause, self._refused = now, _ASK_FIRST, ""
        elif now >= self._ask_at:
            self._ask_at, self._ask_pause = now + self._ask_pause, min(2 * self._ask_pause, _ASK_MOST)
            self.lose(Loss.WATCH_FAILED, self.trouble())
            self._alarm.doubt()

    def trouble(self) -> str:
        """Return which directories are not watched and why, in words; empty if all are."""
        if not self.unwatched:
            return ""
        text = (
            f"{len(self.unwatched)} of {self.directories} folders are not watched, such as "
            f"{os.fsdecode(self.unwatched[0])}; they are walked every minute"
        )
        if "limit" in self._refused:
            text += f"; {_RAISE_LIMITS}"
        return f"{text} ({self._refused})" if self._refused else text

    def _take_reports(self, observer: RootObserver, now: float) -> None:
        for report in observer.reports():
            if report.loss is Loss.WATCH_FAILED:  # the next walk finds out which ones
                self.losses[report.loss] += 1
                self._refused = report.detail
                self._schedule.ask(now + _SOON_SECONDS)
            else:
                self.lose(report.loss, report.detail)

    def _is_deaf(self, observer: RootObserver, now: float) -> bool:
        if self._canary is None or observer.heard_canary():
            self._silent = 0
        elif now - self._listened >= _BETWEEN_CHECKS:
            self._listened = now
            self._silent += 1
        return self._silent >= _DEAF_CHECKS
