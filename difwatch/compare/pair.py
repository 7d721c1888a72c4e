"""How far two pictures are from each other, in every orientation, without any short cut."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.distance import FAR, sse_rows
from difwatch.compare.orientation import ALL, oriented
from difwatch.compare.tone import tones


def tensor_errors(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the sums of squared errors of two tensors (px, px, 3) in each orientation of the second, shape (8,)."""
    rows = np.stack([oriented(b, number).reshape(-1) for number in ALL])
    return sse_rows(np.broadcast_to(a.reshape(-1), rows.shape), rows)


Pixels = tuple[NDArray[np.uint8], NDArray[np.uint8] | None]
"""The tensor of a picture (px, px, 3), and the tone of what is inside its uniform edges (px, px), if it has those."""


def pixels(tensor: bytes, inside: bytes) -> Pixels:
    """Return the pixels in the bytes of a tensor and of a tone, which is empty where there is none."""
    px = math.isqrt(len(tensor) // 3)
    tone = np.frombuffer(inside, np.uint8).reshape(px, px) if inside else None
    return np.frombuffer(tensor, np.uint8).reshape(px, px, 3), tone


def tone_errors(a: Pixels, b: Pixels) -> NDArray[np.int64]:
    """Return the smallest sums of squared errors over the tones of two pictures, for each orientation, shape (8,).

    The inside of a flat picture does not count.

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


def _tones(picture: Pixels) -> list[NDArray[np.uint8]]:
    tensor, inside = picture
    rows, (has_tone,) = tones(np.ascontiguousarray(tensor).reshape(1, -1))
    if not has_tone:
        return []
    return [tone.reshape(*tensor.shape[:2], 1) for tone in (rows, inside) if tone is not None]
