"""How far two pictures are from each other, in every orientation, without any short cut."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.distance import FAR, sse_rows
from difwatch.compare.orientation import ALL, oriented
from difwatch.compare.tone import tones


def tensor_errors(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the sums of squared errors of two tensors (px, px, 3) in each orientation of the second, shape (8,)."""
    rows = np.stack([oriented(b, number).reshape(-1) for number in ALL])
    return sse_rows(np.broadcast_to(a.reshape(-1), rows.shape), rows)


def tone_errors(
    a: tuple[NDArray[np.uint8], NDArray[np.uint8] | None], b: tuple[NDArray[np.uint8], NDArray[np.uint8] | None]
) -> NDArray[np.int64]:
    """Return the smallest sums of squared errors over the tones of two pictures, for each orientation, shape (8,).

    Parameters
    ----------
    a, b
        The tensor of each picture, and that of what is inside its uniform edges, if it has such edges. The inside of
        a flat picture does not count.

    Returns
    -------
    ndarray of int64
        `FAR` where one of them has no tone.
    """
    out = np.full(len(ALL), FAR)
    for ours in _tones(a):
        for theirs in _tones(b):
            out = np.minimum(out, tensor_errors(ours, theirs))
    return out


def _tones(picture: tuple[NDArray[np.uint8], NDArray[np.uint8] | None]) -> list[NDArray[np.uint8]]:
    found = []
    for tensor in picture:
        if tensor is not None:
            rows, (has_tone,) = tones(np.ascontiguousarray(tensor).reshape(1, -1))
            if not has_tone:
                break
            found.append(rows.reshape(*tensor.shape[:2], 1))
    return found
