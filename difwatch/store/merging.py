"""Make the matches what a full search found, a page at a time.

Whoever reads the matches between two pages sees some pairs farther than what all were searched up to, and counts none
of them. A merge that was interrupted starts over: what is right already is not changed, nor counted again.
"""

from __future__ import annotations

from sqlalchemy import Connection, TextClause, func, text, update

from difwatch.compare.hits import ANGLES_OF, COMPARED, ERRORS
from difwatch.store import rescans
from difwatch.store.pairs import COLUMNS, LAST, Key, page_end
from difwatch.store.tables import match, rescan, rescan_match

_ROWS = 5_000  # a twentieth of a second

_IN_PAGE = "({0}.a, {0}.b) > (:a0, :b0) AND ({0}.a, {0}.b) <= (:a1, :b1) "


def _same(kind: str, error: str) -> str:
    """Return the condition that an error is the same, or both are beyond the distance that both searches covered."""
    column = f"{kind}_{error}"
    same = [f"r.{name} IS m.{name}" for name in (column, *_angles(kind, error))]
    beyond = [f"ifnull({pair}.{column}, :far) > :known_{kind}" for pair in "rm"]
    return f"({' AND '.join(same)} OR {' AND '.join(beyond)})"


def _angles(kind: str, error: str) -> list[str]:
    return [f"{kind}_{angle}" for angle in ANGLES_OF[error]]


def _farther(kind: str, error: str) -> TextClause:
    """Return the statement that adds an error that was beyond what was searched before."""
    column = f"{kind}_{error}"
    values = ", ".join(f"{name} = r.{name}" for name in (column, *_angles(kind, error)))
    return text(
        f"UPDATE match AS m SET {values} FROM rescan_match AS r WHERE {_IN_PAGE.format('m')} "
        f"AND m.{column} IS NULL AND r.{column} IS NOT NULL AND r.a = m.a AND r.b = m.b AND r.error <= :limit"
    )


_SAME = " AND ".join(
    ["r.a = m.a AND r.b = m.b AND r.error = m.error", *(_same(kind, error) for kind in COMPARED for error in ERRORS)]
)
_WRONG = text(
    f"DELETE FROM match AS m WHERE {_IN_PAGE.format('m')} AND m.b <= :last_tensor AND (m.error <= :limit "
    "OR EXISTS (SELECT 1 FROM rescan_match AS r WHERE r.a = m.a AND r.b = m.b AND r.error <= :limit)) "
    "AND EXISTS (SELECT 1 FROM tensor AS t WHERE t.id = m.a AND t.recipe_id = :recipe_id) "
    f"AND NOT EXISTS (SELECT 1 FROM rescan_match AS r WHERE {_SAME})"
)
_FARTHER = [_farther(kind, error) for kind in COMPARED for error in ERRORS]
# Tensors may have been removed since the search began. (The plus makes SQLite look ids up, not walk all pairs.)
_NEW = (
    f"FROM rescan_match AS r WHERE {_IN_PAGE.format('r')} AND r.error <= :limit "
    "AND NOT EXISTS (SELECT 1 FROM match AS m WHERE m.a = r.a AND m.b = r.b) "
    "AND +r.a IN (SELECT id FROM tensor) AND +r.b IN (SELECT id FROM tensor)"
)
_MISSING = text(f"SELECT count(*) {_NEW} AND r.error <= :known")
_INSERT = text(f"INSERT INTO match ({', '.join(COLUMNS)}) SELECT {', '.join(COLUMNS)} {_NEW}")
_FAR = (1 << 63) - 1


def merge_page(
    connection: Connection, after: Key, known: int, by_tone: bool = False, rows: int = _ROWS
) -> Key | None:
    """Merge the next page, and record how many pairs of it were missing or wrong.

    Parameters
    ----------
    after
        Where the page begins: `difwatch.store.pairs.FIRST`, or what the page before returned.
    known
        The error up to which all pairs should have been remembered; pairs beyond it do not count as missing.
    by_tone
        Whether that is an error of tones; then those of the tensors are complete.

    Returns
    -------
    Key or None
        Where the next page begins; None after the last page.
    """
    running = rescans.unfinished(connection)
    assert running is not None
    end = page_end(connection, (match, rescan_match), after, rows)
    known = min(known, running.error_limit)
    page = {"a0": after[0], "b0": after[1], "a1": end[0], "b1": end[1], "limit": running.error_limit}
    these = {"recipe_id": running.recipe_id, "last_tensor": running.last_tensor, "far": _FAR}
    both = {"known_sse": _FAR if by_tone else known, "known_tone": known}
    wrong = connection.execute(_WRONG, page | these | both).rowcount
    for statement in _FARTHER:
        connection.execute(statement, page)
    missing = connection.execute(_MISSING, page | {"known": known}).scalar_one()
    connection.execute(_INSERT, page)
    if missing or wrong:
        counts = {"missing": missing, "wrong": wrong}
        more = {name: func.coalesce(rescan.c[name], 0) + count for name, count in counts.items()}
        connection.execute(update(rescan).where(rescan.c.finished.is_(None)).values(more))
    return None if end == LAST else end
