"""What a page changes: decisions, which move nothing, and what is done about them once they were looked over."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from difwatch import paths
from difwatch.actions.plan import Keep, Policy
from difwatch.clock import Clock
from difwatch.control.state_dir import StateDir
from difwatch.errors import UsageError
from difwatch.model.pictures import LEVELS, Image
from difwatch.review import given as sent
from difwatch.review import shapes
from difwatch.review.acts import Acts
from difwatch.review.answers import Answers, default_going, totals
from difwatch.review.choice import Choice
from difwatch.review.decisions import Decision, Decisions
from difwatch.review.live import LiveQueue, Shelf
from difwatch.review.reading import GroupNow, group_now, groups_now, picture_now
from difwatch.review.views import ChangedError
from difwatch.service.requests import Ignore, Retry
from difwatch.service.writer import Writer
from difwatch.store import ignored

_APART_MOST = 64  # pictures of a group that is no group; all its pairs are recorded
_STAGED_AT_ONCE = 1000


class Changes:
    """Does what a page asks for.

    Parameters
    ----------
    live, answers
        The groups, and what is told about them.
    decisions, acts
        What was decided, and what is done about it.
    state_dir
        Has the store.
    clock
        Dates decisions.
    """

    def __init__(
        self,
        live: LiveQueue,
        answers: Answers,
        decisions: Decisions,
        acts: Acts,
        state_dir: StateDir,
        clock: Clock,
    ) -> None:
        self._live, self._answers, self._decisions, self._acts = live, answers, decisions, acts
        self._state_dir, self._clock = state_dir, clock
        self._apart: dict[str, list[Ignore]] = {}  # of this process, so that it can be taken back

    def decide(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Record what a person decided about a group, or take it back."""
        key, kind = sent.text(given, "key"), sent.text(given, "kind")
        if kind == "undo":
            self._take_back(key)
            return {"totals": totals(self._live.shelf())}
        shelf = self._live.shelf()
        with self._live.reading() as connection:
            now = group_now(self._live, connection, shelf, key)
            if len(now.named(sent.texts(given, "seen"))) != len(now.images):
                raise ChangedError("this group has changed; look at it again")
            if kind == "keep":
                decision = _kept(connection, shelf, now, now.named(sent.texts(given, "going")))
        if kind == "apart":
            self._tell_apart(now)
        elif kind == "later":
            self._decisions.put(Decision("later", _contents(now)), now.images, self._clock.now())
        elif kind == "keep":
            self._decisions.put(decision, now.images, self._clock.now())
        else:
            raise UsageError("kind: must be keep, apart, later or undo")
        self._live.decide_again()
        return {"totals": totals(self._live.shelf())}

    def stage(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Decide for all groups that are shown that the best picture stays, as far as pictures go by themselves."""
        query, is_dry = sent.filters(given, "filters") | {"undecided": "1"}, sent.flag(given, "dry")
        shelf = self._live.shelf()
        staged = [group for group in self._undecided(shelf, query) if group[1]]
        if not is_dry:
            for now, going in staged:
                self._decisions.put(_decision(now, going), now.images, self._clock.now())
            self._live.decide_again()
        return {
            "groups": len(staged),
            "pictures": sum(len(going) for _, going in staged),
            "bytes": sum(image.size for _, going in staged for image in going),
            "totals": totals(self._live.shelf()),
        }

    def plan(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Answer with what would be done."""
        policy = sent.policy(given)
        planned = self._acts.plan(policy)
        groups, free = self._decided(), None
        if policy.destination is not None:
            free = shutil.disk_usage(paths.nearest(policy.destination)).free
        refs = {path: ref for now in groups for path, ref in now.refs.items()}
        members = {member.image.path: member for now in groups for member in now.group.members}
        return shapes.plan(planned, refs, members, free, self._live.shelf().queue.rules.px)

    def apply(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Begin to do what was looked over."""
        self._acts.begin(sent.text(given, "plan"))
        return {}

    def stop(self, _given: Mapping[str, Any]) -> dict[str, Any]:
        """Stop after the act in hand."""
        self._acts.stop()
        return {}

    def undo(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Put pictures back: those of a batch, or of some acts."""
        if "batch" in given:
            name = sent.text(given, "batch")
            batches = [batch for batch in self._acts.batches() if str(batch[0].id) == name]
            ids = [entry.id for batch in batches for entry in batch if entry.state == "done"]
        else:
            ids = sent.ids(given, "acts")
        if not ids or not self._state_dir.journal.exists():
            raise UsageError("there is nothing to put back")
        return shapes.undone(self._acts.undo(ids))

    def history(self) -> dict[str, Any]:
        """Answer with what was done, the newest first."""
        return {"batches": [shapes.batch(batch) for batch in self._acts.batches()]}

    def retry(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Read a file again that has no tensor."""
        with Writer(self._state_dir, "review") as writer:
            writer.do(Retry((os.fsencode(sent.text(given, "path")),)))
        return {}

    def reveal(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Show a picture in the file manager of the desktop."""
        with self._live.reading() as connection:
            image = picture_now(connection, sent.text(given, "ref"))
        opener = shutil.which("xdg-open")
        if opener is None or not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise UsageError("there is no desktop to show it on; copy the path instead (C)")
        subprocess.Popen([opener, paths.parent(image.path)], start_new_session=True)
        return {}

    def _undecided(self, shelf: Shelf, query: Mapping[str, str]) -> list[tuple[GroupNow, list[Image]]]:
        act_on = LEVELS.index(shelf.queue.rules.settings.act_on)
        out = []
        with self._live.reading() as connection:
            filters = self._answers.filters(connection, query)
            numbers = shelf.queue.ordered("path", filters, shelf.states).tolist()
            for start in range(0, len(numbers), _STAGED_AT_ONCE):
                for now in groups_now(self._live, connection, shelf, numbers[start : start + _STAGED_AT_ONCE]):
                    levels = {member.image.path: LEVELS.index(member.level) for member in now.group.members}
                    out.append((now, [one for one in default_going(now) if levels[one.path] <= act_on]))
        return out

    def _decided(self) -> list[GroupNow]:
        """Return the groups of which some pictures go."""
        shelf = self._live.shelf()
        kept = [group for group, (state, _) in shelf.decided.items() if state == "keep"]
        with self._live.reading() as connection:
            return groups_now(self._live, connection, shelf, kept)

    def _tell_apart(self, now: GroupNow) -> None:
        digests = sorted({image.digest for image in now.images})
        if len(digests) > _APART_MOST:
            raise UsageError(f"the group has more than {_APART_MOST} pictures; say of two of them that they differ")
        requests = [Ignore(a, b) for a, b in itertools.combinations(digests, 2)]
        if not requests:
            raise UsageError("these have the same bytes; there is nothing to tell apart")
        with Writer(self._state_dir, "review") as writer:
            for request in requests:
                writer.do(request)
        self._apart[now.key] = requests

    def _take_back(self, key: str) -> None:
        self._decisions.remove([key.partition("-")[2]])
        if apart := self._apart.pop(key, []):
            with Writer(self._state_dir, "review") as writer:
                for request in apart:
                    writer.do(replace(request, remove=True))
            self._live.refresh()
        else:
            self._live.decide_again()


def _kept(connection: Connection, shelf: Shelf, now: GroupNow, going: list[Image]) -> Decision:
    """Return the decision that some pictures of a group go, if each of them matches one that stays."""
    if len(going) == len(now.images):
        raise UsageError("one picture of a group always stays")
    for image in going:
        if (reason := shapes.stays(image, now.group.primary)) is not None:
            raise UsageError(f"{shapes.text(paths.name(image.path))} stays: {reason}")
    decision, queue = _decision(now, going), shelf.queue
    choice = Choice(Policy("trash"), queue.rules, queue.near, ignored.pairs(connection), [])
    for step in choice.steps(now.images, decision):
        if isinstance(step, Keep):
            raise UsageError(f"{shapes.text(paths.name(step.image.path))} stays: {step.reason}")
    return decision


def _decision(now: GroupNow, going: list[Image]) -> Decision:
    size = sum(image.size for image in going)
    return Decision("keep", _contents(now), frozenset((image.digest, image.path) for image in going), size)


def _contents(now: GroupNow) -> frozenset[bytes]:
    return frozenset(image.digest for image in now.images)
