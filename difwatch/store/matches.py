"""The matches between distinct tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, exists, func, select, tuple_

from difwatch.compare.hits import BEYOND, Hits
from difwatch.store import pairs
from difwatch.store.pairs import Key
from difwatch.store.tables import match, tensor

_PAGE = 10_000  # SQLite accepts about 32 000 values in a statement


def put(connection: Connection, parts: Iterable[Hits]) -> int:
    """Keep hits; return their number."""
    return sum(pairs.insert(connection, match, hits) for hits in parts)


def count(connection: Connection, recipe_id: int, limit: int) -> int:
    """Return the number of matches of a recipe up to a limit."""
    return connection.execute(select(func.count()).select_from(_distances(recipe_id, limit).subquery())).scalar_one()


def nth_distance(connection: Connection, recipe_id: int, limit: int, total: int, place: int) -> int:
    """Return the SSE at a place (from 0) among the sorted matches up to a limit, about that one if there are many.

    ``total`` is their number, as `count` returns it.
    """
    return pairs.nth_distance(connection, match, _distances(recipe_id, limit), total, place)


def _distances(recipe_id: int, limit: int) -> Select[Any]:
    ours = select(match.c.sse).join(tensor, tensor.c.id == match.c.a)
    return ours.where(tensor.c.recipe_id == recipe_id, match.c.sse <= limit)


def sweep(connection: Connection, recipe_id: int, limit: int, after: Key, rows: int) -> Key | None:
    """Forget the matches of a recipe that exceed a limit (SSE), among the next rows of the table.

    Returns
    -------
    Key or None
        Where the next call goes on; None at the end of the table.
    """
    end = pairs.page_end(connection, [match], after, rows)
    key = tuple_(match.c.a, match.c.b)
    is_ours = exists().where(tensor.c.id == match.c.a, tensor.c.recipe_id == recipe_id)
    in_page = (key > tuple_(*after), key <= tuple_(*end))
    connection.execute(delete(match).where(*in_page, match.c.sse > limit, is_ours))
    return None if end == pairs.LAST else end


def within(
    connection: Connection, recipe_id: int, limit: int, rotate: bool
) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield the matches of a recipe up to a limit: (a, b, SSE, rotation, rotation back).

    Without ``rotate``, the distance is the upright one and both rotations are 0. A pair within the limit
    upright is also within the limit at its best turn, so the stored pairs answer both questions.
    """
    distance = match.c.sse if rotate else match.c.sse_upright
    statement = (
        select(match.c.a, match.c.b, distance, match.c.rotation, match.c.rotation_back)
        .join(tensor, tensor.c.id == match.c.a)
        .where(tensor.c.recipe_id == recipe_id, distance <= limit)
    )
    for a, b, sse, rotation, back in connection.execute(statement):
        yield (a, b, sse, rotation, back) if rotate else (a, b, sse, 0, 0)


def rows_within(connection: Connection, recipe_id: int, limit: int) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Yield the matches of a recipe up to a limit, as the fields of `difwatch.compare.hits.HIT`."""
    statement = (
        select(*(func.ifnull(match.c[name], BEYOND) for name in pairs.COLUMNS))
        .join(tensor, tensor.c.id == match.c.a)
        .where(tensor.c.recipe_id == recipe_id, match.c.sse <= limit)
    )
    for row in connection.execute(statement):
        yield tuple(row)


def neighbours(
    connection: Connection, tensor_ids: Sequence[int], limit: int, rotate: bool
) -> list[tuple[int, int, int, int]]:
    """Return the matches of some tensors up to a limit: (tensor, other, SSE, degrees that turn other onto tensor)."""
    distance = match.c.sse if rotate else match.c.sse_upright
    columns = select(match.c.a, match.c.b, distance, match.c.rotation, match.c.rotation_back).where(distance <= limit)
    rows: list[tuple[int, int, int, int]] = []
    for start in range(0, len(tensor_ids), _PAGE):
        page = tensor_ids[start : start + _PAGE]
        for a, b, sse, rotation, _ in connection.execute(columns.where(match.c.a.in_(page))):
            rows.append((a, b, sse, rotation if rotate else 0))
        for a, b, sse, _, back in connection.execute(columns.where(match.c.b.in_(page))):
            rows.append((b, a, sse, back if rotate else 0))
    return rows
