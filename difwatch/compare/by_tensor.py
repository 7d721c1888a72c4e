"""Pictures match by the mean squared error of their tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.comparison import Fetch
from difwatch.compare.hits import Hits, hits_within
from difwatch.compare.orientation import TURNS
from difwatch.compare.sketch import SketchKind
from difwatch.compare.tensor_sketch import TENSOR_SKETCH, tensor_radius


@dataclass(frozen=True, slots=True)
class ByTensor:
    """A `difwatch.compare.comparison.Comparison` of tensors.

    Attributes
    ----------
    px
        Side of the tensors.
    limit
        Largest sum of squared errors.
    tensors
        Returns tensors by id.
    orientations
        As `difwatch.compare.orientation.admitted` returns them.
    """

    px: int
    limit: int
    tensors: Fetch
    orientations: tuple[int, ...] = TURNS

    @property
    def kind(self) -> SketchKind:
        """What the sketches are."""
        return TENSOR_SKETCH

    @property
    def reach(self) -> float:
        """The largest distance of two sketches whose tensors are within the limit."""
        return tensor_radius(self.limit, self.px)

    @property
    def channels(self) -> int:
        """Red, green and blue."""
        return 3

    @property
    def fetched_bytes(self) -> int:
        """A tensor."""
        return 3 * self.px * self.px

    @property
    def is_wide(self) -> bool:
        """Few tensors are near another one, in proportion to how they spread."""
        return False

    def fetch(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return tensors as rows (n, 3 * px * px)."""
        return self.tensors(ids)

    def hits(self, a: NDArray[np.int64], b: NDArray[np.int64], distances: NDArray[np.int64]) -> Hits:
        """Return the hits among pairs of tensors."""
        return hits_within(a, b, distances, self.limit)
