"""One batch of answers, in one transaction: files, contents, tensors and matches, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from sqlalchemy import Connection, Engine

from difwatch.clock import Clock
from difwatch.compare.hits import Hits
from difwatch.compare.index import Index, search_new
from difwatch.compare.sketch import Block
from difwatch.model.files import FileState
from difwatch.model.jobs import Answer, Postponed, Tensorized, Unreadable, Unsettled
from difwatch.model.pictures import Appearance
from difwatch.model.settings import StoreSettings
from difwatch.pipeline.look import Look
from difwatch.pipeline.outbox import Batch
from difwatch.store import contents, files, reach, reading, searched, settings, writing
from difwatch.store.reach import Reach
from difwatch.tree.roots import Root, innermost


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch.

    ``unsettled`` paths changed meanwhile and must be looked at again, ``being_written`` ones are open for writing in
    another process, and the rows of ``forgotten`` ones are removed. All of it took ``seconds``.
    """

    read: tuple[Tensorized, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    forgotten: tuple[bytes, ...] = ()
    unsettled: tuple[bytes, ...] = ()
    postponed: tuple[Postponed, ...] = ()
    being_written: tuple[bytes, ...] = ()
    seconds: float = 0.0


@dataclass(slots=True)
class _Sorted:
    read: list[Tensorized] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    unsettled: list[bytes] = field(default_factory=list)
    postponed: list[Postponed] = field(default_factory=list)
    being_written: list[bytes] = field(default_factory=list)


class Meanwhile(Protocol):
    """Does what must not wait until a batch is kept. It leaves the store alone; if it raises, nothing is kept."""

    def __call__(self, now: float) -> None:
        """Do a little of it; ``now`` is the monotonic clock."""


class Keeper:
    """Keeps batches in the store, and the index in step with the store.

    Parameters
    ----------
    engine
        The writer of the store.
    index
        Holds the sketches of all pictures of the recipe that are in the store.
    store
        The recipe in force.
    keeps
        How far pairs are kept.
    roots, folder_ids
        The watched folders, and their ids by path.
    clock
        Tells when a file was first seen, and how long keeping takes.
    """

    def __init__(
        self,
        engine: Engine,
        index: Index,
        store: StoreSettings,
        keeps: Reach,
        roots: Sequence[Root],
        folder_ids: Mapping[bytes, int],
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._index = index
        self._store = store
        self._reach = keeps
        self._roots = roots
        self._folder_ids = folder_ids
        self._clock = clock

    def keep(self, batch: Batch, meanwhile: Meanwhile) -> BatchResult:
        """Keep answers and forget files that are gone, after one more look at each file.

        ``meanwhile`` is called now and then, because the search among many pictures that look alike takes seconds.

        Raises
        ------
        StoreError
            Nothing was kept.
        """
        began = self._clock.monotonic()
        look = Look(self._roots)
        answers = _sorted(batch.answers, look)
        forgotten = [path for path in batch.gone if look.is_empty(path)]
        unsettled = answers.unsettled + [path for path in batch.gone if path not in set(forgotten)]
        with writing(self._engine) as connection:
            decoded = [answer for answer in answers.read if not answer.known]
            tensor_ids, looks = contents.put_appearances(connection, self._store.recipe_id, decoded)
            with_bytes: list[Tensorized | Unreadable] = list(answers.read)
            with_bytes += [answer for answer in answers.unreadable if answer.digest is not None]
            content_ids = contents.put_contents(connection, self._store.recipe_id, with_bytes, tensor_ids)
            # A known content may have been purged since its digest was handed out: read that file again.
            read = [answer for answer in answers.read if answer.digest in content_ids]
            unsettled += [answer.path for answer in answers.read if answer.digest not in content_ids]
            self._put_files(connection, read, answers.unreadable, content_ids)
            new = searched.new(self._store, looks)
            kept = reach.put(connection, self._matches(connection, new, looks, meanwhile), self._reach)
            files.remove(connection, [*forgotten, *batch.unwanted])
            files.renumber(connection, batch.renumbered)
        self._reach = kept
        self._index.add(new)
        return BatchResult(
            read=tuple(read),
            unreadable=tuple(answers.unreadable),
            forgotten=tuple(forgotten),
            unsettled=tuple(unsettled),
            postponed=tuple(answers.postponed),
            being_written=tuple(answers.being_written),
            seconds=self._clock.monotonic() - began,
        )

    def _matches(
        self, connection: Connection, new: Block, looks: Mapping[int, Appearance], meanwhile: Meanwhile
    ) -> Iterator[Hits]:
        limit = self._reach.limit
        comparison = searched.comparison(self._store, limit, contents.StorePixels(connection))
        for hits in search_new(self._index, new, comparison):
            yield hits
            meanwhile(self._clock.monotonic())
        yield searched.flat(connection, self._store, limit, [id_ for id_, look in looks.items() if look.alike])

    def read_reach(self) -> None:
        """Read from the store how far pairs are kept, because a full search has begun or ended."""
        with reading(self._engine) as connection:
            store = settings.get_in_force(connection)
            if store is not None and store.recipe_id == self._store.recipe_id:
                self._reach = reach.read(connection, store, self._reach.least, self._reach.most)

    def _put_files(
        self,
        connection: Connection,
        read: Sequence[Tensorized],
        unreadable: Sequence[Unreadable],
        content_ids: dict[bytes, int],
    ) -> None:
        rows: list[tuple[FileState, int | None, str | None]] = [
            (answer.state, content_ids[answer.digest], None) for answer in read
        ]
        for answer in unreadable:
            content_id = content_ids.get(answer.digest) if answer.digest is not None else None
            rows.append((answer.state, content_id, answer.reason if content_id is None else None))
        folder_ids = {state.path: self._folder_id(state.path) for state, _, _ in rows}
        files.put(connection, folder_ids, rows, self._clock.now())

    def _folder_id(self, path: bytes) -> int:
        root = innermost(self._roots, path)
        if root is None:
            raise LookupError(f"{path!r} is in no watched folder")
        return self._folder_ids[root.path]

    def purge(self) -> int:
        """Forget contents that no file has any more; return the number of tensors that went."""
        with writing(self._engine) as connection:
            ids = contents.purge(connection)
        self._index.remove(searched.entries(self._store, np.array(ids, np.int64)))
        return len(ids)


def _sorted(answers: Sequence[Answer], look: Look) -> _Sorted:
    by_kind = _Sorted()
    for answer in answers:
        if isinstance(answer, Postponed):
            by_kind.postponed.append(answer)
        elif isinstance(answer, Unsettled):
            (by_kind.being_written if answer.being_written else by_kind.unsettled).append(answer.path)
        elif not _is_unchanged(answer.state, look):
            by_kind.unsettled.append(answer.path)
        elif isinstance(answer, Tensorized):
            by_kind.read.append(answer)
        elif isinstance(answer, Unreadable):
            by_kind.unreadable.append(answer)
    return by_kind


def _is_unchanged(state: FileState, look: Look) -> bool:
    try:
        return look(state.path) == state.key
    except OSError:
        return False
