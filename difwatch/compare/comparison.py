"""What is compared, up to which error, and in which orientations: all that a search needs to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.hits import Hits
from difwatch.compare.sketch import SketchKind

Fetch = Callable[[NDArray[np.int64]], NDArray[np.uint8]]
"""Returns the tensors or tones of distinct ids as rows (n, values), in the order of the ids."""


class Comparison(Protocol):
    """Compares rows of bytes with ids: `difwatch.compare.by_tensor`, `difwatch.compare.by_tone`.

    Attributes
    ----------
    kind
        What the sketches of the rows are.
    px
        Side of the rows, as pictures.
    limit
        The largest sum of squared errors.
    reach
        The largest distance of two sketches whose rows are within the limit.
    orientations
        In which orientations of the second row, in ascending order.
    channels
        Values of a pixel.
    fetched_bytes
        How many bytes are held to fetch a row.
    is_wide
        Whether the reach is so wide that a `SketchGrid` serves blocks better than a `SketchTree`.
    """

    @property
    def kind(self) -> SketchKind: ...

    @property
    def px(self) -> int: ...

    @property
    def limit(self) -> int: ...

    @property
    def reach(self) -> float: ...

    @property
    def orientations(self) -> tuple[int, ...]: ...

    @property
    def channels(self) -> int: ...

    @property
    def fetched_bytes(self) -> int: ...

    @property
    def is_wide(self) -> bool: ...

    def fetch(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the rows of distinct ids, shape (n, values)."""
        ...

    def hits(self, a: NDArray[np.int64], b: NDArray[np.int64], distances: NDArray[np.int64]) -> Hits:
        """Return the hits among pairs of ids, given their distances in each orientation of *b*, shape (n, 8).

        Those that were not computed are `difwatch.compare.distance.FAR`.
        """
        ...
