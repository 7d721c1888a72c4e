"""What the two tables of pairs share: the matches, and what the unfinished full search found.

No statement here touches more than a page of rows, except those that only read the distances.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, Table, select, tuple_

from difwatch.compare.hits import BEYOND, HIT, Hits

Key = tuple[int, int]
"""The primary key of a pair."""

FIRST: Key = (0, 0)
"""Less than the key of any pair."""

LAST: Key = ((1 << 63) - 1, (1 << 63) - 1)
"""More than the key of any pair."""

COLUMNS = HIT.names or ()
"""What is kept of a hit."""

_SAMPLE = 100_000
_MIXES = 1_000_003


def insert(connection: Connection, table: Table, hits: Hits, *, or_ignore: bool = False) -> int:
    """Keep hits; return how many rows are new. With ``or_ignore``, pairs may be there already."""
    if not len(hits):
        return 0
    # Millions of rows: they go to the driver as they are.
    verb = "INSERT OR IGNORE" if or_ignore else "INSERT"
    values = f"VALUES ({', '.join(f'nullif(?, {BEYOND})' for _ in COLUMNS)})"
    statement = f"{verb} INTO {table.name} ({', '.join(COLUMNS)}) {values}"
    return connection.exec_driver_sql(statement, hits[list(COLUMNS)].tolist()).rowcount


def nth_distance(connection: Connection, table: Table, distances: Select[Any], count: int, place: int) -> int:
    """Return the error at a place (from 0) among sorted ones; of many, about that one, from a sample.

    Parameters
    ----------
    distances
        Selects the error of some pairs of the table.
    count
        Their number, more than ``place``.
    """
    step = count // _SAMPLE + 1
    # A prime factor, so that no step makes the sample depend on the difference of the ids.
    sample = distances.where((table.c.a * _MIXES + table.c.b) % step == 0) if step > 1 else distances
    for some, at in ((sample, place // step), (distances, place)):
        distance: int | None = connection.execute(
            some.order_by(table.c.error).offset(at).limit(1)
        ).scalar_one_or_none()
        if distance is not None:
            return distance
    raise ValueError(f"there are no {place + 1} distances")


def page_end(connection: Connection, tables: Iterable[Table], after: Key, rows: int) -> Key:
    """Return the key at which a page after ``after`` ends: no table has more than ``rows`` rows in the page."""
    ends = [LAST]
    for table in tables:
        key = tuple_(table.c.a, table.c.b)
        statement = select(table.c.a, table.c.b).where(key > tuple_(*after)).order_by(table.c.a, table.c.b)
        end = connection.execute(statement.offset(rows - 1).limit(1)).one_or_none()
        if end is not None:
            ends.append((end.a, end.b))
    return min(ends)
