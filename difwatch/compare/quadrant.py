"""All four turns for about a third more queries.

The slope of a picture's brightness, across and down, is a point in the plane: two of the numbers of its sketch.
A quarter turn of the picture is a quarter turn of this point. So each picture has a turn that brings its slope
into the closed first quadrant, where neither number is negative: its *canonical* turn.

**Why this misses no pair.** Let *b* turned by some turn be within the radius of *a*. Turn both so that *a* becomes
canonical: their distance does not change. The slope of *a* is then in the quadrant, and the slope of *b* is within
the radius of the slope of *a*, hence within the radius of the quadrant. So it is enough to know the canonical
sketch of *a*, and to query with each turn of *b* whose slope is within the radius of the quadrant: one of the four
for most pictures, two near a border of the quadrant. Different turns of *b* onto *a* are different queries, so
each is found once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.sketch import ACROSS, DOWN, turned_sketches
from difwatch.compare.tree import squared


class Entries(NamedTuple):
    """Sketches of turned tensors: ``rows[i]`` belongs to tensor ``number[i]`` turned ``turn[i]`` times."""

    number: NDArray[np.intp]
    turn: NDArray[np.intp]
    rows: NDArray[np.float32]


def canonical(rows: NDArray[np.float32]) -> Entries:
    """Return one entry for each sketch (n, 16), in order, turned to bring its slope into the first quadrant."""
    across, down = rows[:, ACROSS], rows[:, DOWN]
    turn = np.select([(across >= 0) & (down >= 0), (across <= 0) & (down >= 0), across <= 0], [0, 1, 2], 3)
    out = rows.copy()
    for number in (1, 2, 3):
        chosen = turn == number
        out[chosen] = turned_sketches(rows[chosen], number)
    return Entries(np.arange(len(rows)), turn, out)


def orientations(rows: NDArray[np.float32], reach: float) -> Entries:
    """Return an entry for each turn of each sketch (n, 16) whose slope is within ``reach`` of the first quadrant."""
    slope = rows[:, [ACROSS, DOWN]].astype(np.float64)
    parts = []
    for turn in range(4):
        outside = np.minimum(slope, 0)
        number = np.flatnonzero(np.einsum("ij,ij->i", outside, outside) <= squared(reach))
        parts.append(Entries(number, np.full(len(number), turn), turned_sketches(rows[number], turn)))
        slope = slope[:, ::-1] * (1, -1)
    return _stacked(parts)


def upright(rows: NDArray[np.float32]) -> Entries:
    """Return one entry for each sketch (n, 16), in order, not turned."""
    return Entries(np.arange(len(rows)), np.zeros(len(rows), np.intp), rows)


def _stacked(parts: list[Entries]) -> Entries:
    return Entries(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
