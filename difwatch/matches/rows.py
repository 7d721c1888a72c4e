"""From the rows of a store to columns, some thousand rows at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from difwatch import paths
from difwatch.matches.columns import PICTURE, Columns
from difwatch.matches.rules import MatchRules
from difwatch.store.pictures import ColumnRow, scope_of

_AT_ONCE = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMED = np.dtype([*PICTURE.descr, ("dev", np.int64), ("inode", np.int64), ("seen", np.int64), ("below", np.bool_)])
"""One name of a picture."""

_AS_IT_IS = {
    "file": "id",
    "tensor": "tensor_id",
    "content": "content_id",
    "width": "width",
    "height": "height",
    "bytes": "content_bytes",
    "mtime_ns": "mtime_ns",
    "original": "original",
    "raw": "raw",
    "dev": "dev",
    "inode": "inode",
}
"""The fields of a row that are columns as they are."""


def columns_of(
    rows: Iterable[ColumnRow], rules: MatchRules, below: bytes | None
) -> tuple[Columns, NDArray[np.bool_]]:
    """Return pictures in columns, their hard links joined, and which of them have a name below a directory.

    Parameters
    ----------
    rows
        By path.
    rules
        Have the folders.
    below
        The directory; None for all.
    """
    table, left = _Table(rules, b"" if below is None else paths.inside(below)), iter(rows)
    parts = [np.empty(0, _NAMED)]
    while some := list(itertools.islice(left, _AT_ONCE)):
        parts.append(table.part(dict(zip(ColumnRow._fields, zip(*some, strict=True), strict=True))))
    every = np.concatenate(parts)
    pictures = np.empty(len(every), PICTURE)
    for name in PICTURE.names or ():
        pictures[name] = every[name]
    columns = Columns(pictures, table.taken, every["seen"].copy(), list(table.scopes))
    return _joined(columns, every["dev"], every["inode"], every["below"])


def microseconds(moment: datetime) -> int:
    """Return the microseconds since 1970 of a moment with an offset from UTC."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


class _Table:
    """Makes columns of the values of each field.

    Attributes
    ----------
    scopes
        The scopes so far, with their numbers.
    taken
        When the pictures so far were taken.
    """

    def __init__(self, rules: MatchRules, inside: bytes) -> None:
        self._rules, self._inside = rules, inside
        self._seen: dict[str | None, int] = {None: np.iinfo(np.int64).min}
        self._directories: dict[bytes, int] = {}
        self.scopes: dict[bytes | None, int] = {}
        self.taken: list[str | None] = []

    def part(self, values: Mapping[str, Sequence[Any]]) -> NDArray[np.void]:
        """Return the next pictures in columns."""
        part = np.empty(len(values["id"]), _NAMED)
        for name, field in _AS_IT_IS.items():
            part[name] = values[field]
        self._put_folders(part, values["folder_id"], values["path"])
        self._put_paths(part, values["path"])
        for moment in set(values["seen"]) - self._seen.keys():
            self._seen[moment] = microseconds(datetime.fromisoformat(moment))
        part["seen"] = [self._seen[moment] for moment in values["seen"]]
        self.taken += values["taken"]
        return part

    def _put_folders(self, part: NDArray[np.void], ids: Sequence[int], of_pictures: Sequence[bytes]) -> None:
        """Put what the folders of pictures say."""
        folders = self._rules.folders
        known, number = np.unique(ids, return_inverse=True)
        part["limit"] = np.array([self._rules.limits[id_] for id_ in known.tolist()])[number]
        part["position"] = np.array([folders[id_].position for id_ in known.tolist()])[number]
        part["reference"] = np.array([folders[id_].role == "reference" for id_ in known.tolist()])[number]
        scopes = (scope_of(folders[id_], path) for id_, path in zip(ids, of_pictures, strict=True))
        part["scope"] = [self.scopes.setdefault(scope, len(self.scopes)) for scope in scopes]

    def _put_paths(self, part: NDArray[np.void], of_pictures: Sequence[bytes]) -> None:
        """Put what the paths of pictures say."""
        last = [path.rfind(b"/") for path in of_pictures]
        above = (path[:end] for path, end in zip(of_pictures, last, strict=True))
        part["directory"] = [self._directories.setdefault(one, len(self._directories)) for one in above]
        part["depth"] = [path.count(b"/") for path in of_pictures]
        part["name"] = np.array([len(path) for path in of_pictures]) - last - 1
        part["hidden"] = [b"/." in path and paths.is_hidden(path) for path in of_pictures]
        part["below"] = [path.startswith(self._inside) for path in of_pictures]


def _joined(
    columns: Columns, dev: NDArray[np.int64], inode: NDArray[np.int64], below: NDArray[np.bool_]
) -> tuple[Columns, NDArray[np.bool_]]:
    """Join the names of one file in one scope; the picture goes by the first of them."""
    rows = columns.rows
    order = np.lexsort((np.arange(len(rows)), rows["content"], inode, dev, rows["scope"]))
    same = np.ones(max(0, len(rows) - 1), bool)
    for column in (rows["scope"], dev, inode, rows["content"]):
        same &= column[order][1:] == column[order][:-1]
    links: dict[int, list[int]] = {}
    first = -1
    kept = np.ones(len(rows), bool)
    below = below.copy()
    for number in np.flatnonzero(same).tolist():
        link = int(order[number + 1])
        if number == 0 or not same[number - 1]:
            first = int(order[number])
        links.setdefault(first, []).append(int(rows["file"][link]))
        rows["reference"][first] |= rows["reference"][link]
        rows["hidden"][first] &= rows["hidden"][link]
        below[first] |= below[link]
        kept[link] = False
    joined = Columns(rows, columns.taken, columns.seen, columns.scopes, links)
    return (joined.only(kept), below[kept]) if links else (joined, below)
