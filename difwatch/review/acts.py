"""From decisions to acts on files: a plan to look over, carried out beside the page, and the way back."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from difwatch.actions.access import KeptFor, open_journal
from difwatch.actions.check import looked_at
from difwatch.actions.entry import Entry
from difwatch.actions.journal import Journal
from difwatch.actions.move import ActRules, Outcome, carry_out, goes_along, preview
from difwatch.actions.plan import Keep, Policy, Step, fingerprint
from difwatch.actions.undo import Undone, undo
from difwatch.clock import Clock
from difwatch.config import Config
from difwatch.control.state_dir import StateDir
from difwatch.errors import DifwatchError, IncompleteError, UsageError
from difwatch.matches.rules import MatchRules
from difwatch.review.choice import Choice, without_keepers
from difwatch.review.live import LiveQueue
from difwatch.service.acting import act_rules, restored
from difwatch.service.planning import acts_of, unless_needed, unscanned
from difwatch.service.requests import AddDestination, Forget
from difwatch.service.writer import Writer
from difwatch.store import destinations, ignored

log = logging.getLogger(__name__)

_ONE_BATCH = timedelta(seconds=30)  # between two acts at most


class Stays(NamedTuple):
    """A picture that stays although it was to go, and why."""

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What would be done.

    Attributes
    ----------
    name
        Equal for the same acts on the same bytes.
    policy
        Where the pictures go.
    steps
        The acts, and the pictures that stay by what is known of them.
    outcomes
        What became of each act when it was tried without doing it.
    """

    name: str
    policy: Policy
    steps: Sequence[Step]
    outcomes: Sequence[Outcome]

    @property
    def planned(self) -> list[Outcome]:
        """The acts that would be done."""
        return [outcome for outcome in self.outcomes if outcome.state == "planned"]

    @property
    def stays(self) -> list[Stays]:
        """The pictures that would stay."""
        by_plan = [Stays(step.image.path, step.reason) for step in self.steps if isinstance(step, Keep)]
        refused = [outcome for outcome in self.outcomes if outcome.state != "planned"]
        return by_plan + [Stays(outcome.act.image.path, outcome.reason or "") for outcome in refused]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the acts of a plan are.

    Attributes
    ----------
    kind
        What is done: move, trash or delete.
    ids
        In the journal, of what is done.
    is_over
        Whether nothing more happens, because all is done or somebody stopped it.
    """

    kind: str
    done: int
    of: int
    bytes: int = 0
    stayed: tuple[Stays, ...] = ()
    ids: tuple[int, ...] = ()
    is_over: bool = False
    is_stopped: bool = False


Batch = Sequence[Entry]
"""Acts that were done one after another, oldest first."""


class Acts:
    """Plans and carries out what was decided, one plan at a time.

    Parameters
    ----------
    live
        The groups, and what was decided about them.
    state_dir
        Has the store and the journal.
    config
        Says what goes along and how pictures are decoded.
    clock
        Dates the acts.
    tell
        Is told how far they are, in a thread of its own.
    """

    def __init__(
        self,
        live: LiveQueue,
        state_dir: StateDir,
        config: Config,
        clock: Clock,
        tell: Callable[[Progress], None],
    ) -> None:
        self._live, self._state_dir = live, state_dir
        self._config, self._clock, self._tell = config, clock, tell
        self._at_work = threading.Lock()
        self._stops = threading.Event()
        self._planned: Plan | None = None

    def plan(self, policy: Policy) -> Plan:
        """Return what would be done now with the pictures that were decided to go.

        Raises
        ------
        IncompleteError
            A folder was never completely scanned.
        UsageError
            Nothing may be moved to the destination.
        """
        shelf = self._live.shelf()
        rules, near = shelf.queue.rules, shelf.queue.near
        steps: list[Step] = []
        with self._live.reading() as connection, contextlib.closing(KeptFor(self._state_dir.journal)) as kept:
            choice = Choice(policy, rules, near, ignored.pairs(connection), _excluded(connection, policy))
            for group, (state, decision) in sorted(shelf.decided.items()):
                if state == "keep":
                    images = self._live.images(connection, shelf.queue, shelf.queue.places(group))
                    steps += [unless_needed(step, kept) for step in choice.steps(list(images.values()), decision)]
        steps = without_keepers(steps)
        with self._rules(rules) as how:
            claimed: set[bytes] = set()
            outcomes = [preview(act, how, claimed) for act in acts_of(steps)]
            name = fingerprint(steps, lambda act: goes_along(act, how))
        self._planned = Plan(name, policy, steps, outcomes)
        return self._planned

    def begin(self, name: str) -> None:
        """Begin to carry out the plan that was looked over.

        Raises
        ------
        IncompleteError
            Another plan would be carried out now, or acts are being carried out already.
        """
        looked_over = self._planned
        if looked_over is None or looked_over.name != name or self.plan(looked_over.policy).name != name:
            raise IncompleteError("something has changed since you looked; look over what would be done now")
        if not self._at_work.acquire(blocking=False):
            raise IncompleteError("pictures are being moved already")
        self._stops.clear()
        threading.Thread(target=self._tell_of, args=(looked_over,), name="acts", daemon=True).start()

    def carry_out(self, looked_over: Plan) -> Iterator[Progress]:
        """Carry out a plan; yield after each act how far it is."""
        acts, state_dir = acts_of(looked_over.steps), self._state_dir
        progress = Progress(looked_over.policy.kind, 0, len(acts))
        with self._rules(self._live.shelf().queue.rules) as how, Writer(state_dir, "review") as writer:
            if looked_over.policy.destination is not None:
                writer.do(AddDestination(looked_over.policy.destination))
            with open_journal(state_dir.journal, state_dir.journal_lock, self._clock) as journal:
                how.decoder.expect(looked_at(acts))
                for act in acts:
                    if self._stops.is_set():
                        yield replace(progress, is_stopped=True)
                        return
                    outcome = carry_out(act, journal, how)
                    if outcome.state == "done":
                        writer.do(Forget((act.image.path,)))
                    progress = _after(progress, outcome)
                    yield progress

    def stop(self) -> None:
        """Stop after the act in hand."""
        self._stops.set()

    def batches(self) -> list[Batch]:
        """Return what was done, the newest batch first."""
        path = self._state_dir.journal
        if not path.exists():
            return []
        with contextlib.closing(Journal(path, readonly=True)) as journal:
            entries = [entry for entry in journal.entries() if entry.picture is None and entry.kind != "undo"]
        out: list[list[Entry]] = []
        for entry in entries:
            if not out or not _are_one_batch(out[-1][-1], entry):
                out.append([])
            out[-1].append(entry)
        return list(reversed(out))

    def undo(self, ids: Sequence[int]) -> list[Undone]:
        """Put pictures back, by the ids of their acts."""
        state_dir = self._state_dir
        with open_journal(state_dir.journal, state_dir.journal_lock, self._clock) as journal:
            entries = [entry for id_ in ids if (entry := journal.get(id_)) is not None]
            # Newest first: a later picture may lie where an earlier one was.
            undone = [undo(one, journal, self._clock) for one in sorted(entries, key=lambda one: -one.id)]
        if back := [one.entry for one in undone if one.state == "done"]:
            restored(state_dir, back)
            self._live.refresh()
        return undone

    def _tell_of(self, looked_over: Plan) -> None:
        progress = Progress(looked_over.policy.kind, 0, len(acts_of(looked_over.steps)))
        try:
            for progress in self.carry_out(looked_over):
                self._tell(progress)
        except DifwatchError as error:
            log.error("%s", error)
            progress = replace(progress, stayed=(*progress.stayed, Stays(b"", str(error))), is_stopped=True)
        finally:
            self._live.refresh()
            self._at_work.release()
            self._tell(replace(progress, is_over=True))

    def _rules(self, rules: MatchRules) -> contextlib.AbstractContextManager[ActRules]:
        return act_rules(rules, self._config, self._config.sidecars, self._config.across_owners)


def _after(progress: Progress, outcome: Outcome) -> Progress:
    if outcome.state != "done":
        stays = Stays(outcome.act.image.path, outcome.reason or "")
        return replace(progress, done=progress.done + 1, stayed=(*progress.stayed, stays))
    size = progress.bytes + outcome.act.image.size
    return replace(progress, done=progress.done + 1, bytes=size, ids=(*progress.ids, outcome.id))


def _excluded(connection: Connection, policy: Policy) -> list[bytes]:
    """Return the directories that pictures were moved to, if something may be moved now."""
    if waiting := unscanned(connection):
        raise IncompleteError(f"{os.fsdecode(waiting[0])}: is still being read, so better pictures may be missing")
    if policy.destination is not None:
        trouble = destinations.trouble(connection, policy.destination)
        if trouble is not None:
            raise UsageError(trouble)
    return list(destinations.all_of(connection))


def _are_one_batch(before: Entry, after: Entry) -> bool:
    pause = datetime.fromisoformat(after.begun) - datetime.fromisoformat(before.ended or before.begun)
    return before.kind == after.kind and pause <= _ONE_BATCH
