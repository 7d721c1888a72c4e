"""Make the matches what a full search found, a page at a time.

Whoever reads the matches between two pages sees some pairs farther than what all were searched up to, and counts none
of them. A merge that was interrupted starts over: what is right already is not changed, nor counted again.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, text, update

from difwatch.store import rescans
from difwatch.store.pairs import COLUMNS, LAST, Key, page_end
from difwatch.store.tables import match, rescan, rescan_match

_ROWS = 5_000  # a twentieth of a second

_IN_PAGE = "({0}.a, {0}.b) > (:a0, :b0) AND ({0}.a, {0}.b) <= (:a1, :b1) "
# What lies beyond the distance that both searches covered is no difference.
_SAME = (
    "r.a = m.a AND r.b = m.b AND r.sse = m.sse AND r.rotation = m.rotation AND r.rotation_back = m.rotation_back "
    "AND (r.sse_upright IS m.sse_upright "
    "OR (ifnull(r.sse_upright, :far) > :known AND ifnull(m.sse_upright, :far) > :known))"
)
_WRONG = text(
    f"DELETE FROM match AS m WHERE {_IN_PAGE.format('m')} AND m.b <= :last_tensor AND (m.sse <= :limit "
    "OR EXISTS (SELECT 1 FROM rescan_match AS r WHERE r.a = m.a AND r.b = m.b AND r.sse <= :limit)) "
    "AND EXISTS (SELECT 1 FROM tensor AS t WHERE t.id = m.a AND t.recipe_id = :recipe_id) "
    f"AND NOT EXISTS (SELECT 1 FROM rescan_match AS r WHERE {_SAME})"
)
_UPRIGHT = text(
    "UPDATE match AS m SET sse_upright = r.sse_upright FROM rescan_match AS r "
    f"WHERE {_IN_PAGE.format('m')} AND m.sse_upright IS NULL AND r.sse_upright IS NOT NULL "
    "AND r.a = m.a AND r.b = m.b AND r.sse <= :limit"
)
# Tensors may have been removed since the search began. (The plus makes SQLite look ids up, not walk all pairs.)
_NEW = (
    f"FROM rescan_match AS r WHERE {_IN_PAGE.format('r')} AND r.sse <= :limit "
    "AND NOT EXISTS (SELECT 1 FROM match AS m WHERE m.a = r.a AND m.b = r.b) "
    "AND +r.a IN (SELECT id FROM tensor) AND +r.b IN (SELECT id FROM tensor)"
)
_MISSING = text(f"SELECT count(*) {_NEW} AND r.sse <= :known")
_INSERT = text(f"INSERT INTO match ({', '.join(COLUMNS)}) SELECT {', '.join(COLUMNS)} {_NEW}")
_FAR = (1 << 63) - 1


def merge_page(connection: Connection, after: Key, known: int, rows: int = _ROWS) -> Key | None:
    """Merge the next page, and record how many pairs of it were missing or wrong.

    Parameters
    ----------
    after
        Where the page begins: `difwatch.store.pairs.FIRST`, or what the page before returned.
    known
        The SSE up to which all pairs should have been remembered; pairs beyond it do not count as missing.

    Returns
    -------
    Key or None
        Where the next page begins; None after the last page.
    """
    running = rescans.unfinished(connection)
    assert running is not None
    end = page_end(connection, (match, rescan_match), after, rows)
    known = min(known, running.sse_limit)
    page = {"a0": after[0], "b0": after[1], "a1": end[0], "b1": end[1], "limit": running.sse_limit}
    these = {"recipe_id": running.recipe_id, "last_tensor": running.last_tensor, "far": _FAR}
    wrong = connection.execute(_WRONG, page | these | {"known": known}).rowcount
    connection.execute(_UPRIGHT, page)
    missing = connection.execute(_MISSING, page | {"known": known}).scalar_one()
    connection.execute(_INSERT, page)
    if missing or wrong:
        counts = {"missing": missing, "wrong": wrong}
        more = {name: func.coalesce(rescan.c[name], 0) + count for name, count in counts.items()}
        connection.execute(update(rescan).where(rescan.c.finished.is_(None)).values(more))
    return None if end == LAST else end
