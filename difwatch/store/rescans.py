"""The unfinished full search: its plan, the tasks that are done, and the pairs they found."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlalchemy import Connection, delete, func, insert, select, text, update

from difwatch.compare.hits import Cut, Hits, Task
from difwatch.store import matches
from difwatch.store.tables import rescan, rescan_match, rescan_task


@dataclass(frozen=True, slots=True)
class Rescan:
    """A full search.

    Attributes
    ----------
    recipe_id
        The recipe of the tensors.
    sse_limit
        The largest SSE that is searched.
    asked
        The MSE that was asked for; ``sse_limit`` falls short of it where there were too many pairs.
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
    sse_limit: int
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
    """Return how many pairs were found so far."""
    return connection.execute(select(func.count()).select_from(rescan_match)).scalar_one()


def put(connection: Connection, hits: Hits) -> int:
    """Keep what a task found; return how many pairs were not found before.

    An interrupted task finds its first pairs again.
    """
    if not len(hits):
        return 0
    statement = "INSERT OR IGNORE " + matches.INSERT_HITS.format("rescan_match")
    return connection.exec_driver_sql(statement, matches.hit_rows(hits)).rowcount


def nth_distance(connection: Connection, place: int) -> int:
    """Return the SSE at a place (from 0) among the sorted pairs found so far; there must be enough of them."""
    ordered = select(rescan_match.c.sse).order_by(rescan_match.c.sse).offset(place).limit(1)
    distance: int = connection.execute(ordered).scalar_one()
    return distance


def narrow(connection: Connection, recipe_id: int, limit: int) -> None:
    """Restrict the unfinished full search of a recipe to a limit (SSE)."""
    beyond = (rescan.c.finished.is_(None), rescan.c.recipe_id == recipe_id, rescan.c.sse_limit > limit)
    if connection.execute(update(rescan).where(*beyond).values(sse_limit=limit)).rowcount:
        connection.execute(delete(rescan_match).where(rescan_match.c.sse > limit))


def put_task(connection: Connection, task: Task) -> None:
    """Record that a task is done."""
    connection.execute(insert(rescan_task), {"first": task[0], "second": task[1]})


# What lies beyond the distance that both searches covered is no difference.
_SAME = (
    "r.a = m.a AND r.b = m.b AND r.sse = m.sse AND r.rotation = m.rotation AND r.rotation_back = m.rotation_back "
    "AND (r.sse_upright IS m.sse_upright "
    "OR (ifnull(r.sse_upright, :far) > :known AND ifnull(m.sse_upright, :far) > :known))"
)
_WRONG = text(
    "DELETE FROM match AS m WHERE sse <= :sse_limit AND b <= :last_tensor "
    "AND +a IN (SELECT id FROM tensor WHERE recipe_id = :recipe_id) "
    f"AND NOT EXISTS (SELECT 1 FROM rescan_match AS r WHERE {_SAME})"
)
_UPRIGHT = text(
    "UPDATE match AS m SET sse_upright = r.sse_upright FROM rescan_match AS r "
    "WHERE m.sse_upright IS NULL AND r.sse_upright IS NOT NULL AND r.a = m.a AND r.b = m.b"
)
# Tensors may have been removed since the search began. (The plus makes SQLite look ids up, not walk all pairs.)
_NEW = (
    "FROM rescan_match AS r WHERE NOT EXISTS (SELECT 1 FROM match AS m WHERE m.a = r.a AND m.b = r.b) "
    "AND +a IN (SELECT id FROM tensor) AND +b IN (SELECT id FROM tensor)"
)
_MISSING = text(f"SELECT count(*) {_NEW} AND r.sse <= :known")
_INSERT = text(
    "INSERT INTO match (a, b, sse, rotation, rotation_back, sse_upright) "
    f"SELECT a, b, sse, rotation, rotation_back, sse_upright {_NEW}"
)
_FAR = (1 << 63) - 1


def finish(connection: Connection, finished: str, known: int) -> Difference:
    """Replace the matches by what the full search found, up to its limit.

    Parameters
    ----------
    finished
        When the search ended, ISO 8601.
    known
        The SSE up to which all pairs should have been remembered; pairs beyond it do not count as missing.
    """
    ended = unfinished(connection)
    assert ended is not None
    pairs, known = count_pairs(connection), min(known, ended.sse_limit)
    values = {"sse_limit": ended.sse_limit, "last_tensor": ended.last_tensor, "recipe_id": ended.recipe_id}
    wrong = connection.execute(_WRONG, values | {"known": known, "far": _FAR}).rowcount
    connection.execute(_UPRIGHT)
    missing = connection.execute(_MISSING, {"known": known}).scalar_one()
    connection.execute(_INSERT)
    connection.execute(delete(rescan).where(rescan.c.finished.is_not(None)))
    connection.execute(update(rescan).values(finished=finished, pairs=pairs, missing=missing, wrong=wrong))
    discard(connection)
    return Difference(pairs, missing, wrong)
