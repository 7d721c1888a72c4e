"""Automatic moves of new duplicates: when, how many at most, and what holds them up."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Engine

from difwatch import paths
from difwatch.actions.access import open_journal
from difwatch.actions.entry import LOST
from difwatch.actions.journal import Journal
from difwatch.actions.move import ActRules, Outcome, carry_out
from difwatch.actions.plan import Act, Policy
from difwatch.control.state_dir import StateDir
from difwatch.errors import JournalError, StoreBusyError, StoreFullError
from difwatch.matches.read import read_collection
from difwatch.model.pictures import Image
from difwatch.service.planning import acts_of, policy_by_folder, steps, unscanned
from difwatch.service.refusals import Refusals
from difwatch.store import destinations, files, reading, writing

log = logging.getLogger(__name__)

_AT_ONCE, _AT_ONCE_SECONDS = 20, 5.0  # moves and seconds, before the daemon looks at events and answers again
_FAILURES_MOST = 5
_RETRY_SECONDS = 600.0
_HOUR = timedelta(hours=1)
_ROOM_LEFT = 64 << 20  # bytes that stay free on another disk


class Permission(Protocol):
    """Knows when moves are allowed."""

    def is_ready(self, path: bytes) -> bool:
        """Tell whether a watched folder is there and completely known."""

    def is_stopping(self) -> bool:
        """Tell whether the daemon was asked to stop."""


@dataclass(frozen=True, slots=True)
class MovePolicies:
    """What is moved.

    Attributes
    ----------
    by_folder
        The policies by the path of a folder; nothing is done in a folder without one.
    watched
        The paths of all watched folders.
    most_per_hour
        The most moves within an hour; the others wait.
    """

    by_folder: Mapping[bytes, Policy]
    watched: Sequence[bytes]
    most_per_hour: int

    @property
    def destinations(self) -> set[bytes]:
        """The directories that pictures are moved to."""
        return {policy.destination for policy in self.by_folder.values() if policy.destination is not None}


class AutomaticMover:
    """Moves new pictures that have a better one, and pictures for which a better one is new."""

    def __init__(
        self,
        engine: Engine,
        state_dir: StateDir,
        rules: ActRules,
        policies: MovePolicies,
        permission: Permission,
    ) -> None:
        self._engine = engine
        self._state_dir = state_dir
        self._rules = rules
        self._policies = policies
        self._permission = permission
        self._everything = True  # at first, also what came while no daemon ran
        self._todo: list[Act] = []
        self._fresh: list[bytes] = []
        self._trouble: str | None = None
        self._failed: dict[bytes, str] = {}  # pictures that could not be moved, and why
        self._again = math.inf  # when failed pictures are tried again, in seconds of the monotonic clock
        self._refusals = Refusals()
        self._waits_for: bytes | None = None
        with writing(engine) as connection:
            for path in policies.destinations - destinations.all_of(connection).keys():
                destinations.add(connection, path)

    def note(self, new: Sequence[bytes]) -> None:
        """Note files that were read and kept."""
        if self._policies.by_folder:
            self._fresh += new

    def troubles(self) -> list[str]:
        """Return what holds up moves and what could not be moved, in words."""
        texts = [self._trouble] if self._trouble else []
        if self._failed:
            path, reason = next(iter(self._failed.items()))
            more = f" (and {len(self._failed) - 1} more)" if len(self._failed) > 1 else ""
            texts.append(f"{os.fsdecode(path)}: cannot be moved: {reason}{more}")
        return texts

    def notes(self) -> list[str]:
        """Return what moving waits for and what stays, in words."""
        texts = [] if self._waits_for is None else [f"moving waits for {os.fsdecode(self._waits_for)}"]
        stays = self._refusals.note_for_people()
        return texts + ([stays] if stays else [])

    def act(self) -> bool:
        """Move some of the pictures that may be moved now; tell whether there is more to do at once.

        Moves that must wait are planned again later.
        """
        if self._rules.clock.monotonic() >= min(self._again, self._refusals.next_try()) and not self._todo:
            self._everything, self._again = True, math.inf
        has_work = self._everything or self._fresh or self._todo
        folders = self._policies.by_folder
        away = next((path for path in folders if not self._permission.is_ready(path)), None)
        self._waits_for = away if has_work else None
        if not folders or not has_work or away is not None:
            return False
        try:
            with open_journal(self._state_dir.journal, self._state_dir.journal_lock, self._rules.clock) as journal:
                self._say(self._hindrance(journal))
                if not self._trouble:
                    self._act(journal)
        except (JournalError, StoreBusyError, StoreFullError) as error:
            self._everything, self._todo = True, []
            self._say(str(error))
        except OSError as error:  # the disk of the destination is in trouble
            self._everything, self._todo = True, []
            self._say(f"{os.fsdecode(error.filename or b'')}: {error.strerror}")
        finally:
            if not self._todo or self._permission.is_stopping():
                self._rules.decoder.close()
        return bool(self._todo) and not self._permission.is_stopping()

    def _act(self, journal: Journal) -> None:
        if not self._todo:
            self._todo = self._planned(journal)
        began = self._rules.clock.monotonic()
        for _ in range(_AT_ONCE):
            if not self._todo or self._rules.clock.monotonic() - began >= _AT_ONCE_SECONDS:
                break
            self._say(self._hindrance(journal) or self._no_room(self._todo[0]))
            if self._trouble or self._permission.is_stopping():
                break
            outcome = carry_out(self._todo.pop(0), journal, self._rules)
            if outcome.state == "done":  # before the event of the move arrives
                with writing(self._engine) as connection:
                    files.remove(connection, [outcome.act.image.path])
            self._report(outcome)
        if self._trouble and self._todo:
            self._everything, self._todo = True, []  # planned again later

    def _planned(self, journal: Journal) -> list[Act]:
        around = None if self._everything else self._fresh
        if self._everything:
            self._failed.clear()
        with reading(self._engine) as connection:
            collection = read_collection(connection, around=around)
            waiting = unscanned(connection)
            excluded = destinations.all_of(connection)
        self._everything, self._fresh = False, []
        policy_of = policy_by_folder(self._policies.by_folder, self._policies.watched)

        def policy(image: Image) -> Policy | str:
            return "it was put back by hand" if journal.put_back(image.digest, image.path) else policy_of(image)

        monotonic = self._rules.clock.monotonic()
        acts = acts_of(steps(collection, policy, journal, excluded, waiting))
        if around is None:
            self._refusals.keep_only(acts)
        return [act for act in acts if self._refusals.may_try(act, monotonic)]

    def _say(self, trouble: str | None) -> None:
        if trouble and trouble != self._trouble:
            log.warning(trouble)
        self._trouble = trouble

    def _hindrance(self, journal: Journal) -> str | None:
        lost = journal.entries(states=[LOST])
        if lost:
            return (
                f"{os.fsdecode(lost[0].source)}: was found nowhere after an interruption, so nothing is moved "
                f"any more; look for it, then run 'difwatch moves --seen {lost[0].id}'"
            )
        with reading(self._engine) as connection:
            for path in self._policies.destinations:
                if trouble := destinations.trouble(connection, path):
                    return trouble
        now = self._rules.clock.now()
        moved = journal.begun_between(now - _HOUR, now)
        if len(moved) >= self._policies.most_per_hour:
            until = (moved[-self._policies.most_per_hour] + _HOUR).astimezone()
            return (
                f"moving pauses until {until:%H:%M}: there were {self._policies.most_per_hour} moves within an hour "
                "(max_moves_per_hour); 'difwatch moves' lists them"
            )
        return None

    def _no_room(self, act: Act) -> str | None:
        """Return why a picture must not be copied to its destination now, in words."""
        assert act.target is not None
        directory = paths.nearest(paths.parent(act.target))
        if act.image.key is None or os.lstat(directory).st_dev == act.image.key.dev:
            return None
        disk = os.statvfs(directory)
        if disk.f_bavail * disk.f_frsize >= act.image.size + _ROOM_LEFT:
            return None
        return f"{os.fsdecode(directory)}: there is no room left to move pictures to"

    def _report(self, outcome: Outcome) -> None:
        path, keeper = os.fsdecode(outcome.act.image.path), os.fsdecode(outcome.act.keeper.path)
        if outcome.state == "done" and outcome.target is not None:
            fields = {"path": path, "target": os.fsdecode(outcome.target), "keeper": keeper, "id": outcome.id}
            log.info(
                "moved %(path)s to %(target)s (kept %(keeper)s; 'difwatch undo %(id)d' puts it back)",
                fields,
                extra={"event": "act", "fields": fields},
            )
        else:
            log.warning("%s: stays: %s", path, outcome.reason)
        self._failed.pop(outcome.act.image.path, None)
        monotonic = self._rules.clock.monotonic()
        self._refusals.note(outcome, monotonic)
        if outcome.state == "failed":
            self._failed[outcome.act.image.path] = outcome.reason or "unknown"
            self._again = monotonic + _RETRY_SECONDS
            if len(self._failed) >= _FAILURES_MOST:  # the fault is likely in the disk, not in the pictures
                self._todo = []
