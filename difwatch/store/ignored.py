"""Pairs of contents that a person said are no duplicates. Kept by digest, so names and searches do not matter."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from difwatch.model.pictures import Ignored
from difwatch.store.tables import content, file, ignored


class IgnoredPair(NamedTuple):
    """Two digests, when they were decided on (ISO 8601), and the paths that hold these contents now."""

    a: bytes
    b: bytes
    decided: str
    paths_a: list[bytes]
    paths_b: list[bytes]


def pairs(connection: Connection) -> Ignored:
    """Return all decisions as pairs of digests, the smaller first."""
    return frozenset((a, b) for a, b in connection.execute(select(ignored.c.a, ignored.c.b)))


def contents(connection: Connection) -> frozenset[tuple[int, int]]:
    """Return all decisions about contents that are known now, as pairs of their ids, the smaller first."""
    one, other = content.alias(), content.alias()
    both = select(one.c.id, other.c.id).select_from(ignored).join(one, one.c.digest == ignored.c.a)
    found = connection.execute(both.join(other, other.c.digest == ignored.c.b))
    return frozenset((min(pair), max(pair)) for pair in found)


def put(connection: Connection, a: bytes, b: bytes, decided: datetime) -> None:
    """Keep a decision."""
    values = {"a": min(a, b), "b": max(a, b), "decided": decided.isoformat()}
    connection.execute(insert(ignored).values(values).on_conflict_do_nothing())


def remove(connection: Connection, a: bytes, b: bytes) -> bool:
    """Remove a decision; tell whether there was one."""
    wanted = (ignored.c.a == min(a, b), ignored.c.b == max(a, b))
    return connection.execute(delete(ignored).where(*wanted)).rowcount > 0


def decisions(connection: Connection) -> list[IgnoredPair]:
    """Return all decisions, the oldest first."""
    rows = connection.execute(select(ignored).order_by(ignored.c.decided, ignored.c.a, ignored.c.b)).all()
    return [IgnoredPair(a, b, decided, _paths(connection, a), _paths(connection, b)) for a, b, decided in rows]


def _paths(connection: Connection, digest: bytes) -> list[bytes]:
    statement = select(file.c.path).join(content).where(content.c.digest == digest).order_by(file.c.path)
    return list(connection.execute(statement).scalars())
