"""All orientations for a fraction of the queries.

The slope of a picture's brightness, across and down, is a point in the plane: two of the numbers of its sketch.
Turning or mirroring the picture turns or mirrors this point. So each picture has an orientation that brings its slope
into one closed wedge of the plane: a quarter of it where pictures are turned, an eighth where they are mirrored as
well. That is its *canonical* orientation.

**Why this misses no pair.** Let *b* in some orientation be within the radius of *a*. Orient both so that *a* becomes
canonical: their distance does not change. The slope of *a* is then in the wedge, and the slope of *b* is within
the radius of the slope of *a*, hence within the radius of the wedge, and of each half-plane that bounds it. So it is
enough to know the canonical sketch of *a*, and to query with each orientation of *b* whose slope is within the radius
of these half-planes: one for most pictures, more near a border of the wedge. Different orientations of *b* onto *a*
are different queries, so each is found once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.orientation import admitted
from difwatch.compare.sketch import SketchKind, squared

# The normals of the lines that bound the wedge. Each has whole coordinates, so that no sign is rounded.
_WEDGES: Mapping[tuple[int, ...], tuple[tuple[int, int], ...]] = {
    admitted(rotate=False, mirror=False): (),
    admitted(rotate=True, mirror=False): ((1, 0), (0, 1)),
    admitted(rotate=False, mirror=True): ((1, 0),),
    admitted(rotate=True, mirror=True): ((0, 1), (1, -1)),
}


class Entries(NamedTuple):
    """Sketches of oriented pictures: ``rows[i]`` belongs to picture ``number[i]`` in ``orientation[i]``."""

    number: NDArray[np.intp]
    orientation: NDArray[np.intp]
    rows: NDArray[np.float32]


def canonical(kind: SketchKind, rows: NDArray[np.float32], orientations: tuple[int, ...]) -> Entries:
    """Return one entry for each sketch (n, size), in order, oriented to bring its slope into the wedge."""
    inside = np.ones((len(rows), len(orientations)), bool)
    for sides in _sides(kind, rows, orientations):
        inside &= sides >= 0
    chosen = np.array(orientations)[inside.argmax(axis=1)]
    return Entries(np.arange(len(rows)), chosen, _oriented(kind, rows, chosen))


def asked(kind: SketchKind, rows: NDArray[np.float32], orientations: tuple[int, ...], reach: float) -> Entries:
    """Return an entry for each orientation of each sketch (n, size) whose slope is within ``reach`` of the wedge."""
    near = np.ones((len(rows), len(orientations)), bool)
    for sides, normal in zip(_sides(kind, rows, orientations), _WEDGES[orientations], strict=True):
        near &= np.minimum(sides, 0) ** 2 <= (normal[0] ** 2 + normal[1] ** 2) * squared(reach)
    number, column = np.nonzero(near)
    orientation = np.array(orientations)[column]
    return Entries(number, orientation, _oriented(kind, rows[number], orientation))


def _oriented(kind: SketchKind, rows: NDArray[np.float32], orientation: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return each sketch (n, size) in an orientation of its own."""
    return np.take_along_axis(rows, kind.source[orientation], axis=1) * kind.sign[orientation]


def _sides(kind: SketchKind, rows: NDArray[np.float32], orientations: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """Return for each line of the wedge on which side of it the slopes are, and how far, in each orientation."""
    across, down = (
        (rows[:, kind.source[orientations, number]] * kind.sign[orientations, number]).astype(np.float64)
        for number in (kind.across, kind.down)
    )
    return [x * across + y * down for x, y in _WEDGES[orientations]]
