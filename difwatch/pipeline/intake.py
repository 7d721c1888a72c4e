"""From paths at rest to jobs for the workers."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from difwatch.model import FileKey, FileState, Recipe, TensorJob
from difwatch.pipeline.decide import Decision, Verdict, decide
from difwatch.store import contents, files
from difwatch.watch import Root, innermost

# More contents of one size in bytes are no longer told apart before decoding: the jobs would grow with the store.
_DIGESTS_AT_MOST = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may ask of a worker."""

    max_pixels: int = 250_000_000
    max_bytes: int = 1 << 30


class Look:
    """Looks at paths, all of them at about the same moment; what is reached through a link is not there."""

    def __init__(self) -> None:
        self._is_real: dict[bytes, bool] = {}

    def __call__(self, path: bytes) -> FileKey | None:
        """The key of what is at a path; None for nothing, a directory or a symbolic link.

        Raises
        ------
        OSError
            It cannot be told whether something is there.
        """
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISDIR(found.st_mode) or stat.S_ISLNK(found.st_mode) or not self._is_in_real_directory(path):
            return None
        return FileKey.of(found)

    def is_empty(self, path: bytes) -> bool:
        """Tell whether surely nothing that counts is at a path."""
        try:
            return self(path) is None
        except OSError:
            return False

    def _is_in_real_directory(self, path: bytes) -> bool:
        directory = os.path.dirname(path)  # noqa: PTH120  (bytes have no Path)
        if directory not in self._is_real:
            self._is_real[directory] = os.path.realpath(directory) == directory
        return self._is_real[directory]


def decisions(
    connection: Connection, states: Sequence[FileState], roots: Sequence[Root], recipe_id: int, look: Look
) -> list[Decision]:
    """Decide about paths at rest; one that no root admits counts as empty."""
    admitted = [state if admits(roots, state.path) else FileState(state.path, None) for state in states]
    known = files.at_paths(connection, [state.path for state in admitted])
    new = [state.key.inode for state in admitted if state.key and state.path not in known]
    former = {row.key.inode: row for row in files.with_inodes(connection, new) if look.is_empty(row.path)}
    return [
        decide(state, known.get(state.path), former.get(state.key.inode) if state.key else None, recipe_id)
        for state in admitted
    ]


def admits(roots: Sequence[Root], path: bytes) -> bool:
    """Tell whether a path counts in the root that it belongs to."""
    root = innermost(roots, path)
    return root is not None and root.admits_file(path)


def jobs(
    connection: Connection,
    decided: Sequence[Decision],
    roots: Sequence[Root],
    recipe: Recipe,
    recipe_id: int,
    limits: Limits,
) -> list[TensorJob]:
    """The jobs of new, changed and moved files; each knows the digests that need no decoding."""
    wanted = [
        one.state for one in decided if one.verdict in (Verdict.NEW, Verdict.CHANGED, Verdict.MOVED) and one.state.key
    ]
    sizes = {state.key.size for state in wanted if state.key}
    digests = contents.digests_of_sizes(connection, list(sizes), recipe_id, _DIGESTS_AT_MOST)
    return [
        TensorJob(
            state.path,
            state.key,
            recipe.px,
            limits.max_pixels,
            limits.max_bytes,
            digests.get(state.key.size, frozenset()),
            unshared=_is_local(roots, state.path),
            recipe=recipe.name,
        )
        for state in wanted
        if state.key
    ]


def _is_local(roots: Sequence[Root], path: bytes) -> bool:
    root = innermost(roots, path)
    return root is not None and not root.is_remote
