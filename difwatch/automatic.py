"""Moving lesser pictures as they come: when it may be done, how many at most, and what holds it up."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine

from difwatch import acting
from difwatch.actions.directory import nearest
from difwatch.actions.journal import LOST, Journal
from difwatch.actions.move import Outcome, Rules
from difwatch.actions.plan import Act, Policy
from difwatch.model import Image
from difwatch.report.summary import summarize
from difwatch.store import reading, writing

log = logging.getLogger(__name__)

_ROOM_LEFT = 64 << 20  # bytes that stay free on another disk


class AutomaticMover:
    """Moves the lesser pictures of new groups.

    Parameters
    ----------
    engine, journal
        The writer of the store, and the journal.
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
        journal: Journal,
        rules: Rules,
        policies: Mapping[bytes, Policy],
        folders: Sequence[bytes],
        most_per_hour: int,
        is_ready: Callable[[bytes], bool],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._rules = rules
        self._policies = policies
        self._folders = folders
        self._most_per_hour = most_per_hour
        self._is_ready = is_ready
        self._is_stopping = is_stopping
        self._everything = True  # at first, whatever came while nobody looked
        self._fresh: list[bytes] = []
        self._trouble: str | None = None
        with writing(engine) as connection:
            for policy in policies.values():
                if policy.destination is not None:
                    acting.add_destination(connection, policy.destination)

    def note(self, paths: Sequence[bytes]) -> None:
        """Take note of files that were read."""
        if self._policies:
            self._fresh += paths

    def has_work(self) -> bool:
        """Tell whether there is something to look at."""
        return bool(self._policies) and (self._everything or bool(self._fresh))

    def troubles(self) -> list[str]:
        """What holds it up, in words."""
        return [self._trouble] if self._trouble else []

    def act(self, now: datetime) -> None:
        """Move what may be moved now; what must wait is looked at again."""
        self._trouble = self._hindrance(now)
        if self._trouble or not all(self._is_ready(path) for path in self._policies):
            return
        around = None if self._everything else self._fresh
        with reading(self._engine) as connection:
            steps = acting.steps(summarize(connection, around=around), self._policy_of, acting.unscanned(connection))
        self._everything, self._fresh = False, []
        todo = acting.acts_of(steps)
        while todo and not self._is_stopping():
            self._trouble = self._hindrance(now) or self._no_room(todo[0])
            if self._trouble:
                log.warning(self._trouble)
                break
            for _, outcome in acting.act([todo.pop(0)], self._engine, self._journal, self._rules, None):
                if outcome is not None:
                    self._tell(outcome)
        self._everything = bool(todo)  # the rest is planned anew when it goes on

    def _policy_of(self, image: Image) -> Policy | str:
        if self._journal.put_back(image.digest, image.path):
            return "it was put back by hand"
        return acting.policy_by_folder(self._policies, self._folders)(image)

    def _hindrance(self, now: datetime) -> str | None:
        lost = self._journal.entries(states=[LOST])
        if lost:
            return (
                f"{os.fsdecode(lost[0].source)}: was found nowhere after an interruption, so nothing is moved "
                f"any more; look for it, then run 'difwatch moves --seen {lost[0].id}'"
            )
        moved = self._journal.count_since((now - timedelta(hours=1)).isoformat())
        if moved >= self._most_per_hour:
            return (
                f"moving pauses: {moved} moved within an hour (max_moves_per_hour = "
                f"{self._most_per_hour}); it goes on by itself, 'difwatch moves' lists them"
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

    def _tell(self, outcome: Outcome) -> None:
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
        if outcome.state == "failed":
            self._trouble = f"{path}: cannot be moved: {outcome.reason}"
