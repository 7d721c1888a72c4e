"""Pictures in columns: some forty bytes each instead of a kilobyte, and sorted all at once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from difwatch.model.settings import KeepRule

PICTURE = np.dtype(
    [
        ("file", np.int64),
        ("tensor", np.int64),
        ("content", np.int64),
        ("width", np.int64),
        ("height", np.int64),
        ("bytes", np.int64),
        ("mtime_ns", np.int64),
        ("limit", np.int64),
        ("scope", np.int32),
        ("directory", np.int32),
        ("position", np.int32),
        ("depth", np.int32),
        ("name", np.int32),
        ("original", np.int8),
        ("reference", np.bool_),
        ("hidden", np.bool_),
        ("raw", np.bool_),
    ]
)
"""One picture: what `difwatch.model.pictures.Image` has, as far as it counts for groups.

``file`` and ``content`` are ids, ``scope`` and ``directory`` are numbers of its scope and of the directory it is in,
``depth`` and ``name`` are the numbers of slashes in its path and of bytes in its name, and ``original`` is lower the
more it looks like an original.
"""

Column = NDArray[np.generic]

_COLUMNS: Mapping[KeepRule, Callable[[NDArray[np.void]], Sequence[Column]]] = {
    "pixels": lambda rows: [-rows["width"] * rows["height"]],
    "original": lambda rows: [rows["original"]],
    "bytes": lambda rows: [-rows["bytes"]],
    "oldest": lambda rows: [rows["mtime_ns"]],
    "newest": lambda rows: [-rows["mtime_ns"]],
    "folder": lambda rows: [rows["position"]],
    "path": lambda rows: [rows["depth"], rows["name"], np.arange(len(rows))],
}


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Pictures in columns.

    Attributes
    ----------
    rows : ndarray of PICTURE
        By path.
    taken
        When each was taken, as `difwatch.model.pictures.Facts` has it.
    seen : ndarray of int64
        When each was found first, in microseconds since 1970; the least number where that is not known.
    scopes
        What the numbers of the scopes stand for.
    links
        The ids of the further names of a picture, by its place among the rows.
    """

    rows: NDArray[np.void]
    taken: Sequence[str | None]
    seen: NDArray[np.int64]
    scopes: Sequence[bytes | None]
    links: Mapping[int, Sequence[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def only(self, kept: NDArray[np.bool_]) -> Columns:
        """Return some of the pictures."""
        if kept.all():
            return self
        places = np.flatnonzero(kept).tolist()
        links = {place: self.links[old] for place, old in enumerate(places) if old in self.links}
        return Columns(self.rows[kept], [self.taken[place] for place in places], self.seen[kept], self.scopes, links)

    def in_order(self, keep_in: Callable[[bytes | None], Sequence[KeepRule]]) -> NDArray[np.intp]:
        """Return the places of all pictures: scope by scope, the best one first.

        That is the order of `difwatch.matches.groups.keep_order`.

        Parameters
        ----------
        keep_in
            Returns the rules that decide in a scope.
        """
        parts = [np.zeros(0, np.intp)]
        by_scope = np.argsort(self.rows["scope"], kind="stable")
        bounds = np.searchsorted(self.rows["scope"][by_scope], np.arange(len(self.scopes) + 1))
        for number in sorted(range(len(self.scopes)), key=lambda number: self.scopes[number] or b""):
            places = by_scope[bounds[number] : bounds[number + 1]]
            rows = self.rows[places]
            keys: list[Column] = [~rows["reference"], rows["hidden"]]
            for name in (*keep_in(self.scopes[number]), "path"):
                keys += _COLUMNS[name](rows)
            parts.append(places[np.lexsort(keys[::-1])])
        return np.concatenate(parts)
