"""Pictures match by the normalised mean squared error of their tones.

A picture has up to two tones: that of its tensor, unless it is flat, and that of what is inside its uniform edges, if
it has such edges. The error of two pictures is the smallest over their tones. So what is searched are *entries*, each
a tone of a picture; a hit between two entries is one between their pictures, whose errors are then all computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.distance import FAR, sse_rows
from difwatch.compare.hits import HIT, Hits, new_hits, put_errors
from difwatch.compare.orientation import ALL, oriented_rows
from difwatch.compare.sketch import SketchKind
from difwatch.compare.tone import tones
from difwatch.compare.tone_sketch import TONE_SKETCH, tone_radius

_BYTES_AT_ONCE = 8 << 20  # of tensors whose errors are computed together


class Pixels(Protocol):
    """Has the tensors of pictures, and the tones of what is inside their edges."""

    def tensors(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the tensors of distinct pictures as rows (n, 3 * px * px), in the order of the ids."""
        ...

    def insides(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return which of some distinct pictures have a second tone, and these tones as rows (m, px * px).

        Both in the order of the ids; without any, the width of the rows is undefined.
        """
        ...


def entries_of(ids: NDArray[np.int64], inside: bool) -> NDArray[np.int64]:
    """Return the entries of pictures: of their whole, or of what is inside their edges."""
    return 2 * ids + int(inside)


def pictures_of(entries: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pictures of entries."""
    return entries >> 1


@dataclass(frozen=True, slots=True)
class ByTone:
    """A `difwatch.compare.comparison.Comparison` of tones, whose ids are entries and whose hits are pictures.

    A hit between the same two pictures may come several times, each time with the same errors.

    Attributes
    ----------
    px
        Side of the tensors and tones.
    limit
        Largest sum of squared errors of tones.
    pixels
        Has the tensors and tones.
    orientations
        As `difwatch.compare.orientation.admitted` returns them.
    """

    px: int
    limit: int
    pixels: Pixels
    orientations: tuple[int, ...] = ALL

    @property
    def kind(self) -> SketchKind:
        """What the sketches are."""
        return TONE_SKETCH

    @property
    def reach(self) -> float:
        """The largest distance of two sketches whose tones are within the limit."""
        return tone_radius(self.limit, self.px)

    @property
    def channels(self) -> int:
        """A tone is grey."""
        return 1

    @property
    def fetched_bytes(self) -> int:
        """The tensor that a tone is made from."""
        return 3 * self.px * self.px

    @property
    def is_wide(self) -> bool:
        """Many tones are near another one, in proportion to how they spread."""
        return True

    def fetch(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the tones of entries as rows (n, px * px)."""
        out = np.empty((len(ids), self.px * self.px), np.uint8)
        inside = ids % 2 == 1
        if not inside.all():
            out[~inside] = tones(self.pixels.tensors(pictures_of(ids[~inside])))[0]
        if inside.any():
            out[inside] = self.pixels.insides(pictures_of(ids[inside]))[1]
        return out

    def hits(self, a: NDArray[np.int64], b: NDArray[np.int64], distances: NDArray[np.int64]) -> Hits:
        """Return the hits among pairs of entries, as hits between their pictures."""
        within = distances.min(axis=1) <= self.limit if len(a) else np.zeros(0, bool)
        pairs = np.stack([pictures_of(a[within]), pictures_of(b[within])], axis=1)
        pairs.sort(axis=1)
        pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
        return self.measured(pairs[:, 0], pairs[:, 1])

    def measured(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> Hits:
        """Return hits with all errors of pairs of pictures, whose tones or tensors are known to match."""
        step = max(1, _BYTES_AT_ONCE // (2 * self.fetched_bytes))
        parts = [self._measured(a[start : start + step], b[start : start + step]) for start in range(0, len(a), step)]
        return np.concatenate([np.empty(0, HIT), *parts])

    def _measured(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> Hits:
        ids, places = np.unique(np.concatenate([a, b]), return_inverse=True)
        ours, theirs = places[: len(a)], places[len(a) :]
        tensors = self.pixels.tensors(ids)
        by_tensor = np.full((len(a), len(ALL)), FAR)
        for orientation in self.orientations:
            some = oriented_rows(tensors[theirs], orientation, 3)
            by_tensor[:, orientation] = sse_rows(tensors[ours], some)
        by_tone = np.full((len(a), len(ALL)), FAR)
        layers = list(self._layers(ids, tensors))
        for our_rows, our_has in layers:
            for their_rows, their_has in layers:
                both = np.flatnonzero(our_has[ours] & their_has[theirs])
                for orientation in self.orientations if len(both) else ():
                    some = oriented_rows(their_rows[theirs[both]], orientation, 1)
                    errors = sse_rows(our_rows[ours[both]], some)
                    by_tone[both, orientation] = np.minimum(by_tone[both, orientation], errors)
        by_tone[by_tone > self.limit] = FAR
        hits = new_hits(a, b)
        put_errors(hits, "sse", by_tensor)
        put_errors(hits, "tone", by_tone)
        hits["error"] = np.where((by_tensor == 0).any(axis=1), 0, by_tone.min(axis=1))
        return hits

    def _layers(
        self, ids: NDArray[np.int64], tensors: NDArray[np.uint8]
    ) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.bool_]]]:
        """Yield the first and the second tones of pictures, and which pictures have them."""
        yield tones(tensors)
        which, rows = self.pixels.insides(ids)
        inside = np.zeros((len(ids), self.px * self.px), np.uint8)
        has_inside = np.isin(ids, which)
        if len(which):
            inside[has_inside] = rows
        yield inside, has_inside
