"""The matches between distinct tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, and_, case, delete, exists, func, or_, select, tuple_

from difwatch.compare.hits import ANGLES, BEYOND, COMPARED, Hits
from difwatch.model.pictures import Errors, Near
from difwatch.model.settings import Criteria
from difwatch.store import pairs
from difwatch.store.engine import driver_rows
from difwatch.store.pairs import Key
from difwatch.store.tables import match, tensor

_ANY = 2**62
_VIEW = 12  # columns of a pair, as it is read
_PAGE = 10_000  # SQLite accepts about 32 000 values in a statement


def put(connection: Connection, parts: Iterable[Hits]) -> int:
    """Keep hits, which may come more than once; return how many are new."""
    return sum(pairs.insert(connection, match, hits, or_ignore=True) for hits in parts)


def count(connection: Connection, recipe_id: int, limit: int) -> int:
    """Return the number of matches of a recipe up to a limit."""
    return connection.execute(select(func.count()).select_from(_distances(recipe_id, limit).subquery())).scalar_one()


def nth_distance(connection: Connection, recipe_id: int, limit: int, total: int, place: int) -> int:
    """Return the error at a place (from 0) among the sorted matches up to a limit, about that one if there are many.

    ``total`` is their number, as `count` returns it.
    """
    return pairs.nth_distance(connection, match, _distances(recipe_id, limit), total, place)


def _distances(recipe_id: int, limit: int) -> Select[Any]:
    ours = select(match.c.error).join(tensor, tensor.c.id == match.c.a)
    return ours.where(tensor.c.recipe_id == recipe_id, match.c.error <= limit)


def sweep(connection: Connection, recipe_id: int, limit: int, after: Key, rows: int) -> Key | None:
    """Forget the matches of a recipe whose error exceeds a limit, among the next rows of the table.

    Returns
    -------
    Key or None
        Where the next call goes on; None at the end of the table.
    """
    end = pairs.page_end(connection, [match], after, rows)
    key = tuple_(match.c.a, match.c.b)
    is_ours = exists().where(tensor.c.id == match.c.a, tensor.c.recipe_id == recipe_id)
    in_page = (key > tuple_(*after), key <= tuple_(*end))
    connection.execute(delete(match).where(*in_page, match.c.error > limit, is_ours))
    return None if end == pairs.LAST else end


def forget(connection: Connection) -> None:
    """Forget all matches, of every recipe.

    A table that refers to another is emptied row by row, 9 s for a million; it is dropped in a tenth of one.
    """
    match.drop(connection)
    match.create(connection)


def hits_within(connection: Connection, recipe_id: int, limit: int) -> Iterator[tuple[int, ...]]:
    """Yield the matches of a recipe up to a limit, as the fields of `difwatch.compare.hits.HIT`."""
    statement = (
        select(*(func.ifnull(match.c[name], BEYOND) for name in pairs.COLUMNS))
        .join(tensor, tensor.c.id == match.c.a)
        .where(tensor.c.recipe_id == recipe_id, match.c.error <= limit)
    )
    for row in connection.execute(statement):
        yield tuple(row)


def counted(connection: Connection, recipe_id: int, wanted: Criteria) -> int:
    """Return how many pairs of distinct pictures meet some criteria."""
    statement = select(func.count()).select_from(match).join(tensor, tensor.c.id == match.c.a)
    return connection.execute(statement.where(tensor.c.recipe_id == recipe_id, _meets(wanted))).scalar_one()


def histogram(connection: Connection, recipe_id: int, wanted: Criteria, limits: Sequence[int]) -> list[int]:
    """Count the remembered pairs of distinct pictures by their distance, whatever the limit of the criteria.

    Parameters
    ----------
    limits
        The largest distance of each bin, ascending.

    Returns
    -------
    list of int
        A number for each bin, and for what is beyond the last one.
    """
    turned, mirrored = _admitted(wanted)
    sse: ColumnElement[int] = match.c[f"sse_{turned}"]
    if wanted.mirror:
        sse = func.min(sse, func.ifnull(match.c[f"sse_{mirrored}"], sse))
    place = case(*((sse <= limit, number) for number, limit in enumerate(limits)), else_=len(limits))
    statement = select(place, func.count()).select_from(match).join(tensor, tensor.c.id == match.c.a)
    everything = replace(wanted, limit=_ANY, edited=True)
    counted = connection.execute(statement.where(tensor.c.recipe_id == recipe_id, _meets(everything)).group_by(place))
    by_place: dict[int, int] = {row[0]: row[1] for row in counted}
    return [by_place.get(number, 0) for number in range(len(limits) + 1)]


def rows_within(connection: Connection, recipe_id: int, wanted: Criteria) -> NDArray[np.int64]:
    """Return the pairs of a recipe that meet some criteria, as rows (n, 12).

    The two ids; the errors of the tensors, turned and mirrored, and of the tones; the angles of the tensors, seen
    from either picture and mirrored, and of the tones.
    """
    ours = _views(wanted).join(tensor, tensor.c.id == match.c.a).where(tensor.c.recipe_id == recipe_id)
    rows = driver_rows(connection, ours)
    return np.fromiter(chain.from_iterable(rows), np.int64).reshape(-1, _VIEW)


def neighbours(connection: Connection, tensor_ids: Sequence[int], wanted: Criteria) -> Iterator[Near]:
    """Yield the matches of some tensors that meet some criteria, seen from these tensors."""
    for start in range(0, len(tensor_ids), _PAGE):
        page = tensor_ids[start : start + _PAGE]
        for a, b, *errors in connection.execute(_views(wanted).where(match.c.a.in_(page))):
            yield from _near(a, b, errors, wanted)
        for a, b, *errors in connection.execute(_views(wanted).where(match.c.b.in_(page))):
            yield from _near(b, a, _seen_back(errors), wanted)


def _views(wanted: Criteria) -> Select[Any]:
    """Select the two ids; the errors and angles of the turns, those of the angles back, and those mirrored."""
    turned, mirrored = _admitted(wanted)
    columns = [func.ifnull(match.c[f"{kind}_{name}"], BEYOND) for kind in COMPARED for name in (turned, mirrored)]
    angles = [match.c[f"{kind}_{name}"] for kind in COMPARED for name in ANGLES]
    return select(match.c.a, match.c.b, *columns, *angles).where(_meets(wanted))


def _near(tensor_id: int, other: int, errors: Sequence[int], wanted: Criteria) -> Iterator[Near]:
    sse, sse_mirrored, tone, tone_mirrored, turn, _, turn_mirrored, tone_turn, _, tone_turn_mirrored = errors
    if not wanted.rotate:
        turn = turn_mirrored = tone_turn = tone_turn_mirrored = 0
    yield Near(tensor_id, other, Errors(sse, tone, turn, tone_turn))
    if wanted.mirror:
        yield Near(tensor_id, other, Errors(sse_mirrored, tone_mirrored, turn_mirrored, tone_turn_mirrored, True))


def _seen_back(errors: Sequence[int]) -> Sequence[int]:
    """Exchange the angles of the turns with those seen from the other picture."""
    sse, sse_mirrored, tone, tone_mirrored, turn, back, turn_mirrored, tone_turn, tone_back, tone_mirror = errors
    return (sse, sse_mirrored, tone, tone_mirrored, back, turn, turn_mirrored, tone_back, tone_turn, tone_mirror)


def _admitted(wanted: Criteria) -> tuple[str, str]:
    return ("turned", "mirrored") if wanted.rotate else ("upright", "mirrored_upright")


def _meets(wanted: Criteria) -> ColumnElement[bool]:
    """Return the condition that a pair matches in some folder, as `difwatch.matches.rules` decides it."""
    turned, mirrored = _admitted(wanted)
    alike = _alike(match.c[f"sse_{turned}"], match.c[f"tone_{turned}"], wanted)
    if not wanted.mirror:
        return alike
    return or_(alike, _alike(match.c[f"sse_{mirrored}"], match.c[f"tone_{mirrored}"], wanted))


def _alike(sse: ColumnElement[int], tone: ColumnElement[int], wanted: Criteria) -> ColumnElement[bool]:
    if wanted.tone_limit is None:
        return sse <= wanted.limit
    by_tone = tone <= wanted.tone_limit
    return or_(sse == 0, by_tone if wanted.edited else and_(by_tone, sse <= wanted.limit))
