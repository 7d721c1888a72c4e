"""Moving lesser pictures as they come: when it may be done, how many at most, and what holds it up."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from difwatch import acting
from difwatch.actions.directory import nearest
from difwatch.actions.journal import LOST, Journal
from difwatch.actions.move import Outcome, Rules, carry_out
from difwatch.actions.plan import Act, Policy
from difwatch.errors import JournalError, StoreBusyError, StoreFullError
from difwatch.model import Image
from difwatch.report.summary import summarize
from difwatch.store import reading, writing

log = logging.getLogger(__name__)

_AT_ONCE = 20  # moves, before the daemon looks at events again
_FAILURES_MOST = 5
_RETRY = timedelta(minutes=10)
_ROOM_LEFT = 64 << 20  # bytes that stay free on another disk


class AutomaticMover:
    """Moves the lesser pictures of new groups.

    Parameters
    ----------
    engine
        The writer of the store.
    hold_journal
        Gives the journal, for as long as there is something to do with it.
    rules
        How acts are done.
    policies
        What is done in each folder, by its path; nothing where it has none.
    folders
        The paths of all watched folders.
    most_per_hour
        The brake: beyond so many moves within an hour, the others wait.
    is_ready
        Tells whether a folder is there, and known whole.
    is_stopping
        Tells whether the daemon is asked to end.
    """

    def __init__(
        self,
        engine: Engine,
        hold_journal: Callable[[], contextlib.AbstractContextManager[Journal]],
        rules: Rules,
        policies: Mapping[bytes, Policy],
        folders: Sequence[bytes],
        most_per_hour: int,
        is_ready: Callable[[bytes], bool],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._hold_journal = hold_journal
        self._rules = rules
        self._policies = policies
        self._folders = folders
        self._most_per_hour = most_per_hour
        self._is_ready = is_ready
        self._is_stopping = is_stopping
        self._everything = True  # at first, whatever came while nobody looked
        self._todo: list[Act] = []
        self._fresh: list[bytes] = []
        self._trouble: str | None = None
        self._failed: dict[bytes, str] = {}  # pictures that could not be moved, and why
        self._again = datetime.max.replace(tzinfo=UTC)  # when these are tried once more
        with writing(engine) as connection:
            for path in self._destinations - acting.destinations(connection).keys():
                acting.add_destination(connection, path)

    @property
    def _destinations(self) -> set[bytes]:
        return {policy.destination for policy in self._policies.values() if policy.destination is not None}

    def note(self, paths: Sequence[bytes]) -> None:
        """Take note of files that were read."""
        if self._policies:
            self._fresh += paths

    def troubles(self) -> list[str]:
        """What holds it up, and what could not be moved, in words."""
        found = [self._trouble] if self._trouble else []
        if self._failed:
            path, reason = next(iter(self._failed.items()))
            more = f" (and {len(self._failed) - 1} more)" if len(self._failed) > 1 else ""
            found.append(f"{os.fsdecode(path)}: cannot be moved: {reason}{more}")
        return found

    def act(self, now: datetime) -> bool:
        """Move what may be moved now, some at a time; tell whether there is more to do at once.

        What must wait is looked at again.
        """
        if now >= self._again and not self._todo:
            self._everything, self._again = True, datetime.max.replace(tzinfo=UTC)
        has_work = self._everything or self._fresh or self._todo
        if not self._policies or not has_work or not all(self._is_ready(path) for path in self._policies):
            return False
        try:
            with self._hold_journal() as journal:
                self._say(self._hindrance(journal, now))
                if not self._trouble:
                    self._act(journal, now)
        except (JournalError, StoreBusyError, StoreFullError) as error:
            self._everything, self._todo = True, []
            self._say(str(error))
        except OSError as error:  # of the destination, when its disk is in trouble
            self._everything, self._todo = True, []
            self._say(f"{os.fsdecode(error.filename or b'')}: {error.strerror}")
        return bool(self._todo) and not self._is_stopping()

    def _act(self, journal: Journal, now: datetime) -> None:
        if not self._todo:
            self._todo = self._planned(journal)
        for _ in range(_AT_ONCE):
            if not self._todo:
                break
            self._say(self._hindrance(journal, now) or self._no_room(self._todo[0]))
            if self._trouble or self._is_stopping():
                break
            outcome = carry_out(self._todo.pop(0), journal, self._rules)
            acting.forget(self._engine, outcome)
            self._tell(outcome, now)
        if self._trouble and self._todo:
            self._everything, self._todo = True, []  # planned anew when it goes on

    def _planned(self, journal: Journal) -> list[Act]:
        around = None if self._everything else self._fresh
        if self._everything:
            self._failed.clear()
        with reading(self._engine) as connection:
            summary = summarize(connection, around=around)
            unscanned = acting.unscanned(connection)
            apart = acting.destinations(connection)
        self._everything, self._fresh = False, []
        policy_of = acting.policy_by_folder(self._policies, self._folders)

        def policy(image: Image) -> Policy | str:
            return "it was put back by hand" if journal.put_back(image.digest, image.path) else policy_of(image)

        return acting.acts_of(acting.steps(summary, policy, journal.kept_for, apart, unscanned))

    def _say(self, trouble: str | None) -> None:
        if trouble and trouble != self._trouble:
            log.warning(trouble)
        self._trouble = trouble

    def _hindrance(self, journal: Journal, now: datetime) -> str | None:
        lost = journal.entries(states=[LOST])
        if lost:
            return (
                f"{os.fsdecode(lost[0].source)}: was found nowhere after an interruption, so nothing is moved "
                f"any more; look for it, then run 'difwatch moves --seen {lost[0].id}'"
            )
        with reading(self._engine) as connection:
            for path in self._destinations:
                if trouble := acting.trouble_with_destination(connection, path):
                    return trouble
        moved = journal.count_since((now - timedelta(hours=1)).isoformat())
        if moved >= self._most_per_hour:
            return (
                f"moving pauses: there were {self._most_per_hour} moves within an hour (max_moves_per_hour); "
                "it goes on by itself, 'difwatch moves' lists them"
            )
        return None

    def _no_room(self, act: Act) -> str | None:
        """Why a picture must not be copied to its destination now."""
        assert act.target is not None
        directory = nearest(act.target.rpartition(b"/")[0])
        if act.image.key is None or os.lstat(directory).st_dev == act.image.key.dev:
            return None
        found = os.statvfs(directory)
        if found.f_bavail * found.f_frsize >= act.image.size + _ROOM_LEFT:
            return None
        return f"{os.fsdecode(directory)}: there is no room left to move pictures to"

    def _tell(self, outcome: Outcome, now: datetime) -> None:
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
        if outcome.state == "failed":
            self._failed[outcome.act.image.path] = outcome.reason or "unknown"
            self._again = now + _RETRY
            if len(self._failed) >= _FAILURES_MOST:  # it will be the disk and not the pictures
                self._todo = []
