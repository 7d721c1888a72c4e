"""One batch of answers, in one transaction: files, contents, tensors and matches, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, Engine

from difwatch.model import Answer, FileState, Postponed, Recipe, Tensorized, Unreadable, Vanished
from difwatch.pipeline.intake import Look
from difwatch.pipeline.remember import Reach, put
from difwatch.search.index import Index, search_new
from difwatch.store import contents, files, writing


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a batch.

    ``unsettled`` are the paths that changed meanwhile and must be looked at again, ``being_written`` those that
    another process has open for writing; ``forgotten`` those whose rows went.
    """

    read: tuple[Tensorized, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    forgotten: tuple[bytes, ...] = ()
    unsettled: tuple[bytes, ...] = ()
    postponed: tuple[Postponed, ...] = ()
    being_written: tuple[bytes, ...] = ()


@dataclass(slots=True)
class _Batch:
    read: list[Tensorized] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    unsettled: list[bytes] = field(default_factory=list)
    postponed: list[Postponed] = field(default_factory=list)
    being_written: list[bytes] = field(default_factory=list)


class Keeper:
    """Keeps batches in the store, and the index in step with it.

    Parameters
    ----------
    engine
        The writer of the store.
    index
        Holds the sketches of all tensors of the recipe that are in the store.
    reach
        How far pairs are remembered.
    folder_of
        The id of the folder that a path belongs to.
    clock
        Gives the time as ISO 8601.
    """

    def __init__(
        self,
        engine: Engine,
        index: Index,
        recipe: Recipe,
        recipe_id: int,
        reach: Reach,
        folder_of: Callable[[bytes], int],
        clock: Callable[[], str],
    ) -> None:
        self._engine = engine
        self._index = index
        self._recipe = recipe
        self._recipe_id = recipe_id
        self._reach = reach
        self._folder_of = folder_of
        self._clock = clock

    def keep(self, answers: Sequence[Answer], gone: Sequence[bytes], unwanted: Sequence[bytes] = ()) -> Kept:
        """Keep answers and forget files that are gone, each looked at once more right before.

        ``unwanted`` files are forgotten whether they are there or not.

        Raises
        ------
        StoreError
            Nothing was kept.
        """
        look = Look()
        batch = _sorted(answers, look)
        forgotten = [path for path in gone if look.is_empty(path)]
        unsettled = batch.unsettled + [path for path in gone if path not in set(forgotten)]
        with writing(self._engine) as connection:
            tensors = [result for result in batch.read if not result.known]
            tensor_ids, new = contents.put_tensors(connection, self._recipe_id, self._recipe.px, tensors)
            with_bytes: list[Tensorized | Unreadable] = list(batch.read)
            with_bytes += [one for one in batch.unreadable if one.digest is not None]
            content_ids = contents.put_contents(connection, self._recipe_id, with_bytes, tensor_ids)
            # A known content may have been purged since its digest was handed out: read that file again.
            read = [one for one in batch.read if one.digest in content_ids]
            unsettled += [one.state.path for one in batch.read if one.digest not in content_ids]
            self._put_files(connection, read, batch.unreadable, content_ids)
            hits = search_new(
                self._index,
                new.ids,
                new.pixels,
                lambda ids: contents.tensors(connection, ids),
                self._reach.limit,
            )
            reach = put(connection, hits, self._reach)
            files.remove(connection, [*forgotten, *unwanted])
        self._reach = reach
        self._index.add(new.ids, new.sketches)
        return Kept(
            read=tuple(read),
            unreadable=tuple(batch.unreadable),
            forgotten=tuple(forgotten),
            unsettled=tuple(unsettled),
            postponed=tuple(batch.postponed),
            being_written=tuple(batch.being_written),
        )

    def widen(self, limit: int) -> None:
        """From now on, remember pairs at least up to this SSE."""
        self._reach = replace(self._reach, limit=max(limit, self._reach.limit))

    def _put_files(
        self,
        connection: Connection,
        read: Sequence[Tensorized],
        unreadable: Sequence[Unreadable],
        content_ids: dict[bytes, int],
    ) -> None:
        rows: list[tuple[FileState, int | None, str | None]] = [
            (one.state, content_ids[one.digest], None) for one in read
        ]
        for one in unreadable:
            content_id = content_ids.get(one.digest) if one.digest is not None else None
            rows.append((one.state, content_id, one.reason if content_id is None else None))
        folder_ids = {state.path: self._folder_of(state.path) for state, _, _ in rows}
        files.put(connection, folder_ids, rows, self._clock())

    def purge(self) -> int:
        """Forget contents that no file has any more; gives how many tensors went."""
        with writing(self._engine) as connection:
            ids = contents.purge(connection)
        self._index.remove(ids)
        return len(ids)


def _sorted(answers: Sequence[Answer], look: Look) -> _Batch:
    batch = _Batch()
    for answer in answers:
        if isinstance(answer, Postponed):
            batch.postponed.append(answer)
        elif isinstance(answer, Vanished):
            (batch.being_written if answer.being_written else batch.unsettled).append(answer.path)
        elif not _is_as(answer.state, look):
            batch.unsettled.append(answer.state.path)
        elif isinstance(answer, Tensorized):
            batch.read.append(answer)
        else:
            batch.unreadable.append(answer)
    return batch


def _is_as(state: FileState, look: Look) -> bool:
    try:
        return look(state.path) == state.key
    except OSError:
        return False
