"""Tensors in memory, by id."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Held:
    """Tensors in memory, by id.

    Parameters
    ----------
    ids : ndarray of int64, shape (n,)
        Distinct, in any order.
    rows : ndarray of uint8, shape (n, values)
    """

    def __init__(self, ids: NDArray[np.int64], rows: NDArray[np.uint8]) -> None:
        self._order = np.argsort(ids)
        self._ids = ids[self._order]
        self._rows = rows

    def __call__(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the tensors of some ids as rows (n, values)."""
        return self._rows[self._order[np.searchsorted(self._ids, ids)]]
