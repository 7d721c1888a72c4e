"""The unfinished full search: its plan, the tasks that are done, and the pairs they found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from sqlalchemy import Connection, delete, func, insert, select, update

from difwatch.compare.hits import Cut, Hits, Task
from difwatch.store import pairs
from difwatch.store.tables import rescan, rescan_match, rescan_task


@dataclass(frozen=True, slots=True)
class Rescan:
    """A full search.

    Attributes
    ----------
    recipe_id
        The recipe of the tensors.
    error_limit
        The largest sum of squared errors that is searched, of tensors or of tones.
    asked
        The mean error that was asked for; ``error_limit`` falls short of it where there were too many pairs.
    chunksize
        Pictures in a block as asked for, 0 if unspecified.
    last_tensor
        The largest id that is searched; later tensors were searched on arrival.
    cuts
        Where the blocks begin.
    tasks
        Number of pairs of blocks to compare.
    started, finished
        ISO 8601.
    """

    recipe_id: int
    error_limit: int
    asked: float
    chunksize: int
    last_tensor: int
    cuts: tuple[Cut, ...]
    tasks: int
    started: str
    finished: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What a full search changed: the pairs found, how many of them were missing, and how many stored were wrong."""

    pairs: int
    missing: int
    wrong: int


def unfinished(connection: Connection) -> Rescan | None:
    """Return the full search that is running or was interrupted, or None."""
    row = connection.execute(select(rescan).where(rescan.c.finished.is_(None))).mappings().one_or_none()
    if row is None:
        return None
    cuts = tuple((level, id_) for level, id_ in row["cuts"])
    return Rescan(**{name: row[name] for name in Rescan.__slots__ if name != "cuts"}, cuts=cuts)


def progress(connection: Connection) -> float | None:
    """Return the share of the tasks that are done in the unfinished full search; None if there is none."""
    running = unfinished(connection)
    done = connection.execute(select(func.count()).select_from(rescan_task)).scalar_one()
    return None if running is None else done / max(1, running.tasks)


@dataclass(frozen=True, slots=True)
class LastRescan:
    """The last full search that ended; times are ISO 8601. The counts of an old one may be unknown."""

    started: str
    finished: str
    pairs: int | None
    missing: int | None
    wrong: int | None


def last_finished(connection: Connection) -> LastRescan | None:
    """Return the last full search that ended, or None."""
    columns = [rescan.c[field.name] for field in fields(LastRescan)]
    statement = select(*columns).where(rescan.c.finished.is_not(None)).order_by(rescan.c.finished.desc()).limit(1)
    row = connection.execute(statement).one_or_none()
    return None if row is None else LastRescan(*row)


def begin(connection: Connection, new: Rescan) -> None:
    """Begin a full search, forgetting an unfinished one."""
    discard(connection)
    values = {name: getattr(new, name) for name in Rescan.__slots__}
    connection.execute(insert(rescan).values(**values))


def discard(connection: Connection) -> None:
    """Forget the unfinished full search and what it found."""
    connection.execute(delete(rescan).where(rescan.c.finished.is_(None)))
    for table in (rescan_task, rescan_match):
        connection.execute(delete(table))


def done_tasks(connection: Connection) -> set[Task]:
    """Return the tasks that need not be done again."""
    return {(first, second) for first, second in connection.execute(select(rescan_task))}


def count_pairs(connection: Connection) -> int:
    """Return how many pairs the unfinished full search has found so far, up to its limit."""
    running = unfinished(connection)
    if running is None:
        return 0
    within = select(func.count()).select_from(rescan_match).where(rescan_match.c.error <= running.error_limit)
    return connection.execute(within).scalar_one()


def put(connection: Connection, hits: Hits) -> int:
    """Keep what a task found; return how many pairs were not found before.

    An interrupted task finds its first pairs again.
    """
    return pairs.insert(connection, rescan_match, hits, or_ignore=True)


def nth_distance(connection: Connection, limit: int, total: int, place: int) -> int:
    """Return the error at a place (from 0) among the sorted pairs up to a limit, about that one if there are many.

    ``total`` is their number, as `count_pairs` returns it.
    """
    distances = select(rescan_match.c.error).where(rescan_match.c.error <= limit)
    return pairs.nth_distance(connection, rescan_match, distances, total, place)


def narrow(connection: Connection, recipe_id: int, limit: int) -> None:
    """Restrict the unfinished full search of a recipe to a limit. Pairs beyond it count no longer."""
    beyond = (rescan.c.finished.is_(None), rescan.c.recipe_id == recipe_id, rescan.c.error_limit > limit)
    connection.execute(update(rescan).where(*beyond).values(error_limit=limit))


def put_task(connection: Connection, task: Task) -> None:
    """Record that a task is done."""
    connection.execute(insert(rescan_task), {"first": task[0], "second": task[1]})


def finish(connection: Connection, pairs: int, finished: str) -> Difference:
    """End the unfinished full search, after all pages were merged (`difwatch.store.merging`).

    Parameters
    ----------
    pairs
        How many pairs it found.
    finished
        When it ended, ISO 8601.
    """
    ended = connection.execute(select(rescan.c.missing, rescan.c.wrong).where(rescan.c.finished.is_(None))).one()
    difference = Difference(pairs, ended.missing or 0, ended.wrong or 0)
    connection.execute(delete(rescan).where(rescan.c.finished.is_not(None)))
    connection.execute(update(rescan).values(asdict(difference) | {"finished": finished}))
    discard(connection)
    return difference
