"""The neighbours of each tensor, in one array: millions of objects would take ten times the memory. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.hits import Hits
from difwatch.model.pictures import Errors, Near

_ERRORS = [("sse", np.int64), ("tone", np.int64), ("rotation", np.int16), ("tone_rotation", np.int16)]
NEAR = np.dtype([("tensor", np.int64), ("other", np.int64), *_ERRORS, ("mirrored", np.bool_)])
"""One neighbour: the fields of `difwatch.model.pictures.Near` and of its errors."""

# Fields of NEAR from those of a hit: seen from a, seen from b, and mirrored, which is the same from both sides.
_FROM_A = ("sse_turned", "tone_turned", "sse_rotation", "tone_rotation")
_FROM_B = ("sse_turned", "tone_turned", "sse_rotation_back", "tone_rotation_back")
_MIRRORED = ("sse_mirrored", "tone_mirrored", "sse_rotation_mirrored", "tone_rotation_mirrored")

# The same from the columns of a row of the store.
_ROW_FROM_A, _ROW_FROM_B, _ROW_MIRRORED = (2, 4, 6, 9), (2, 4, 7, 10), (3, 5, 8, 11)


class Neighbourhoods:
    """The neighbours of each tensor: `difwatch.model.pictures.Neighbours`.

    Parameters
    ----------
    rows : ndarray of NEAR
        In both directions; mirrored errors of a pair come after the others.

    Attributes
    ----------
    rows
        The same by tensor.
    """

    def __init__(self, rows: NDArray[np.void]) -> None:
        order = np.argsort(rows["tensor"], kind="stable")
        self._tensors = rows["tensor"][order]
        self.rows = rows[order]

    @classmethod
    def none(cls) -> Neighbourhoods:
        """Return what has no neighbours."""
        return cls(np.empty(0, NEAR))

    @classmethod
    def of(cls, near: Iterable[Near]) -> Neighbourhoods:
        """Collect neighbours as the store yields them."""
        return cls(np.fromiter(((tensor, other, *errors) for tensor, other, errors in near), NEAR))

    @classmethod
    def of_rows(cls, rows: NDArray[np.int64], rotate: bool, mirror: bool) -> Neighbourhoods:
        """Collect the neighbours in rows as `difwatch.store.matches.rows_within` yields them, shape (n, 12)."""
        sides = [(0, 1, _ROW_FROM_A, False), (1, 0, _ROW_FROM_B, False)]
        if mirror:
            sides += [(0, 1, _ROW_MIRRORED, True), (1, 0, _ROW_MIRRORED, True)]
        out = np.zeros(len(rows) * len(sides), NEAR)
        for place, (tensor, other, columns, mirrored) in enumerate(sides):
            part = out[place * len(rows) : (place + 1) * len(rows)]
            part["tensor"], part["other"], part["mirrored"] = rows[:, tensor], rows[:, other], mirrored
            for (name, _), column in zip(_ERRORS, columns, strict=True):
                if rotate or not name.endswith("rotation"):
                    part[name] = rows[:, column]
        return cls(out)

    @classmethod
    def of_hits(cls, hits: Hits, mirror: bool) -> Neighbourhoods:
        """Collect the neighbours in hits, of which the same may come more than once."""
        hits = hits[np.unique(hits[["a", "b"]], return_index=True)[1]]
        sides = [("a", "b", _FROM_A, False), ("b", "a", _FROM_B, False)]
        if mirror:
            sides += [("a", "b", _MIRRORED, True), ("b", "a", _MIRRORED, True)]
        return cls(np.concatenate([_seen(hits, *side) for side in sides]))

    def __len__(self) -> int:
        return len(self.rows)

    def bounds(self, tensors: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return where the neighbours of each of some tensors begin and end among the rows."""
        return np.searchsorted(self._tensors, tensors), np.searchsorted(self._tensors, tensors, side="right")

    def some(self, start: int, stop: int) -> Iterator[tuple[int, int, Errors]]:
        """Yield the place, the other tensor and the errors of some of the rows."""
        for number, (_, other, *errors) in enumerate(self.rows[start:stop].tolist(), start):
            yield number, other, Errors(*errors)

    def errors(self, number: int) -> Errors:
        """Return how far a neighbour is, by its place among the rows."""
        _, _, *errors = self.rows[number].item()
        return Errors(*errors)

    def get(self, tensor: int, default: Sequence[tuple[int, Errors]] = (), /) -> Sequence[tuple[int, Errors]]:
        """Return the neighbours of a tensor: their ids, and how far they are."""
        start, stop = np.searchsorted(self._tensors, (tensor, tensor + 1))
        if start == stop:
            return default
        return [(other, Errors(*errors)) for _, other, *errors in self.rows[start:stop].tolist()]


def _seen(hits: Hits, tensor: str, other: str, fields: Sequence[str], mirrored: bool) -> NDArray[np.void]:
    rows = np.empty(len(hits), NEAR)
    rows["tensor"], rows["other"], rows["mirrored"] = hits[tensor], hits[other], mirrored
    for (name, _), field in zip(_ERRORS, fields, strict=True):
        rows[name] = hits[field]
    return rows
