"""From paths at rest to jobs for the workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from difwatch.model.files import FileState
from difwatch.model.jobs import Limits, TensorJob
from difwatch.model.settings import StoreSettings
from difwatch.pipeline.decide import Decision, Verdict, decide, decide_excluded
from difwatch.pipeline.look import Look
from difwatch.store import contents, files, reading
from difwatch.tree.roots import Root, admits, innermost
from difwatch.watch.presence import Presence

# Beyond this many contents of one size, files are decoded unchecked: the jobs would grow with the store.
_DIGESTS_AT_MOST = 64


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What becomes of paths: decisions, jobs, and the paths that could not be looked at, with the reason."""

    decisions: Sequence[Decision]
    jobs: Sequence[TensorJob]
    failures: Sequence[tuple[bytes, str]]


class Intake:
    """Decides about paths, and makes the jobs of those that must be read.

    Parameters
    ----------
    engine
        The writer of the store; only read.
    presence
        Knows which folders are on other machines.
    store
        The recipe in force.
    """

    def __init__(
        self, engine: Engine, roots: Sequence[Root], presence: Presence, store: StoreSettings, limits: Limits
    ) -> None:
        self._engine = engine
        self._roots = roots
        self._presence = presence
        self._store = store
        self._limits = limits

    def take_in(self, at_rest: Iterable[FileState]) -> TakenIn:
        """Look at paths at rest, and decide about them."""
        look = Look(self._roots)
        states, failures = [], []
        for state in at_rest:
            try:
                states.append(FileState(state.path, look(state.path)))
            except OSError as error:
                failures.append((state.path, f"cannot be looked at: {error.strerror}"))
        with reading(self._engine) as connection:
            decisions = self._decisions(connection, states, look)
            return TakenIn(decisions, self._jobs(connection, decisions), failures)

    def _decisions(self, connection: Connection, states: Sequence[FileState], look: Look) -> list[Decision]:
        known = files.at_paths(connection, [state.path for state in states])
        admitted = {state.path for state in states if admits(self._roots, state.path)}
        unknown = admitted - known.keys()
        new = [state.key.inode for state in states if state.key and state.path in unknown]
        former = {row.key.inode: row for row in files.with_inodes(connection, new) if look.is_empty(row.path)}
        return [
            decide(
                state,
                known.get(state.path),
                former.get(state.key.inode) if state.key else None,
                self._store.recipe_id,
                self._has_inodes(state, known.get(state.path)),
            )
            if state.path in admitted
            else decide_excluded(state.path, known.get(state.path))
            for state in states
        ]

    def _jobs(self, connection: Connection, decisions: Sequence[Decision]) -> list[TensorJob]:
        """Return the jobs of new, changed and moved files; each knows the digests that need no decoding."""
        to_read = (Verdict.NEW, Verdict.CHANGED, Verdict.MOVED)
        states = [decision.state for decision in decisions if decision.verdict in to_read]
        keys = [(state.path, state.key) for state in states if state.key]
        sizes = {key.size for _, key in keys}
        digests = contents.digests_of_sizes(connection, list(sizes), self._store.recipe_id, _DIGESTS_AT_MOST)
        return [
            TensorJob(
                path,
                key,
                self._store.px,
                self._limits,
                digests.get(key.size, frozenset()),
                unshared=self._is_local(path),
                recipe=self._store.recipe,
            )
            for path, key in keys
        ]

    def _has_inodes(self, state: FileState, known: files.KnownFile | None) -> bool:
        if known is None or known.key == state.key:
            return True  # it does not matter, and need not be looked up
        root = innermost(self._roots, state.path)
        return root is None or self._presence.has_inodes(root, state.path)

    def _is_local(self, path: bytes) -> bool:
        root = innermost(self._roots, path)
        return root is not None and not self._presence.is_remote(root)
