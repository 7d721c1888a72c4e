"""The full search that goes on: its plan, its tasks that are done, and what they found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import Connection, delete, func, insert, select, text, update

from difwatch.search.chunked import Cut, Task
from difwatch.search.hits import Hits
from difwatch.store import matches
from difwatch.store.tables import rescan, rescan_match, rescan_task


@dataclass(frozen=True, slots=True)
class Rescan:
    """A full search: up to which distance, over which tensors (ids up to ``last_tensor``), cut into which blocks.

    ``chunksize`` is what was asked for, 0 for nothing; times are ISO 8601.
    """

    recipe_id: int
    sse_limit: int
    chunksize: int
    last_tensor: int
    cuts: tuple[Cut, ...]
    tasks: int
    started: str
    finished: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What a full search changed: pairs it found, how many of them were missing, and how many others were wrong."""

    pairs: int
    missing: int
    wrong: int


def unfinished(connection: Connection) -> Rescan | None:
    """The full search that goes on or was interrupted."""
    row = connection.execute(select(rescan).where(rescan.c.finished.is_(None))).mappings().one_or_none()
    if row is None:
        return None
    cuts = tuple((level, id_) for level, id_ in row["cuts"])
    return Rescan(**{name: row[name] for name in Rescan.__slots__ if name != "cuts"}, cuts=cuts)


def progress(connection: Connection) -> float | None:
    """Which share of the tasks of the unfinished full search is done; None when there is none."""
    now = unfinished(connection)
    done = connection.execute(select(func.count()).select_from(rescan_task)).scalar_one()
    return None if now is None else done / max(1, now.tasks)


@dataclass(frozen=True, slots=True)
class LastRescan:
    """The last full search that ended; times are ISO 8601. What it found may not be known of an old one."""

    started: str
    finished: str
    pairs: int | None
    missing: int | None
    wrong: int | None


def last_finished(connection: Connection) -> LastRescan | None:
    """The last full search that ended."""
    columns = [rescan.c[one.name] for one in fields(LastRescan)]
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
    """The tasks that need not be done again."""
    return {(first, second) for first, second in connection.execute(select(rescan_task))}


def count_pairs(connection: Connection) -> int:
    """How many pairs were found so far."""
    return connection.execute(select(func.count()).select_from(rescan_match)).scalar_one()


def put(connection: Connection, hits: Iterable[Hits]) -> int:
    """Keep what a task found; gives how many."""
    return matches.put(connection, hits, "rescan_match")


def put_tasks(connection: Connection, tasks: Sequence[Task]) -> None:
    """Keep that tasks are done."""
    if tasks:
        connection.execute(insert(rescan_task), [{"first": first, "second": second} for first, second in tasks])


_SAME = (
    "r.a = m.a AND r.b = m.b AND r.sse = m.sse AND r.rotation = m.rotation "
    # What is known beyond the limit of this search is no difference.
    "AND r.rotation_back = m.rotation_back "
    "AND (r.sse_upright IS m.sse_upright OR (r.sse_upright IS NULL AND m.sse_upright > :sse_limit))"
)
_WRONG = text(
    "DELETE FROM match AS m WHERE sse <= :sse_limit AND b <= :last_tensor "
    "AND +a IN (SELECT id FROM tensor WHERE recipe_id = :recipe_id) "
    f"AND NOT EXISTS (SELECT 1 FROM rescan_match AS r WHERE {_SAME})"
)
_MISSING = text(
    "INSERT INTO match (a, b, sse, rotation, rotation_back, sse_upright) "
    "SELECT a, b, sse, rotation, rotation_back, sse_upright FROM rescan_match AS r "
    "WHERE NOT EXISTS (SELECT 1 FROM match AS m WHERE m.a = r.a AND m.b = r.b) "
    # Tensors may have gone since the search began. (The plus: look up, instead of walking through all pairs of ids.)
    "AND +a IN (SELECT id FROM tensor) AND +b IN (SELECT id FROM tensor)"
)


def finish(connection: Connection, finished: str) -> Difference:
    """Let the matches be what the full search found, up to its limit."""
    now = unfinished(connection)
    assert now is not None
    pairs = count_pairs(connection)
    values = {"sse_limit": now.sse_limit, "last_tensor": now.last_tensor, "recipe_id": now.recipe_id}
    wrong = connection.execute(_WRONG, values).rowcount
    missing = connection.execute(_MISSING).rowcount
    connection.execute(delete(rescan).where(rescan.c.finished.is_not(None)))
    connection.execute(update(rescan).values(finished=finished, pairs=pairs, missing=missing, wrong=wrong))
    discard(connection)
    return Difference(pairs, missing, wrong)
