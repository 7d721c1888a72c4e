"""The matches between distinct tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, delete, func, select

from difwatch.compare.hits import BEYOND, Hits
from difwatch.store.tables import match, tensor

_PAGE = 10_000  # SQLite accepts about 32 000 values in a statement
_COLUMNS = ("a", "b", "sse", "rotation", "rotation_back", "sse_upright")
# Millions of rows: they go to the driver as they are.
INSERT_HITS = f"INTO {{}} ({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?, nullif(?, {BEYOND}))"
"""The end of a statement that keeps hits in a table with the columns of the matches."""


def hit_rows(hits: Hits) -> list[tuple[int, ...]]:
    """Return hits as the values of `INSERT_HITS`."""
    rows: list[tuple[int, ...]] = hits[list(_COLUMNS)].tolist()
    return rows


def put(connection: Connection, parts: Iterable[Hits]) -> int:
    """Keep hits; return their number."""
    total = 0
    for hits in parts:
        total += len(hits)
        if len(hits):
            connection.exec_driver_sql("INSERT " + INSERT_HITS.format("match"), hit_rows(hits))
    return total


def count(connection: Connection, recipe_id: int | None = None) -> int:
    """Return the number of matches, of a recipe or of all."""
    statement = select(func.count()).select_from(match)
    if recipe_id is not None:
        statement = statement.join(tensor, tensor.c.id == match.c.a).where(tensor.c.recipe_id == recipe_id)
    return connection.execute(statement).scalar_one()


def nth_distance(connection: Connection, recipe_id: int, place: int) -> int:
    """Return the SSE at a place (from 0) among the sorted matches of a recipe; there must be enough of them."""
    ours = select(match.c.sse).join(tensor, tensor.c.id == match.c.a).where(tensor.c.recipe_id == recipe_id)
    distance: int = connection.execute(ours.order_by(match.c.sse).offset(place).limit(1)).scalar_one()
    return distance


def forget_beyond(connection: Connection, recipe_id: int, limit: int) -> None:
    """Forget the matches of a recipe whose SSE exceeds the limit."""
    ours = select(tensor.c.id).where(tensor.c.recipe_id == recipe_id)
    connection.execute(delete(match).where(match.c.sse > limit, match.c.a.in_(ours)))


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
        select(*(func.ifnull(match.c[name], BEYOND) for name in _COLUMNS))
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
