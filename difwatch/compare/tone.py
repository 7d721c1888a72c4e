"""The tone of a picture: what is left of its tensor without brightness, contrast and colour.

The luma of each pixel, less the mean, in units of a sixteenth of the standard deviation, around 128. So a copy that
was made brighter, darker, grey, or of more contrast has nearly the same tone. (Sixteen, because pages have few dark
pixels far from the mean: at forty, ink would be cut off, and pages with other words would become equal.)

The mean and the deviation come from sums of integers, which no order of the pixels changes. So the tone of a turned
or mirrored tensor is the turned or mirrored tone, exactly.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SCALE = 16
"""How many levels of a tone are one standard deviation."""

_FLAT = 4  # levels of deviation; less is noise
_LUMA = np.array([299, 587, 114], np.float32)  # of red, green and blue, as ITU-R BT.601 weighs them
_UNIT = 1000  # is one level of the luma
_VALUES_AT_ONCE = 1 << 17  # as much as stays in the nearest caches


def tones(rows: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the tones of tensors, and which tensors have one.

    Parameters
    ----------
    rows : ndarray of uint8, shape (n, 3 * px * px)
        Tensors as rows.

    Returns
    -------
    tones : ndarray of uint8, shape (n, px * px)
        128 throughout where there is none.
    has_tone : ndarray of bool, shape (n,)
        False for a flat picture: its luma deviates by less than four levels.
    """
    count, pixels = len(rows), rows.shape[1] // 3
    out = np.full((count, pixels), 128, np.uint8)
    has_tone = np.zeros(count, bool)
    step = max(1, _VALUES_AT_ONCE // pixels)
    for start in range(0, count, step):
        part = slice(start, start + step)
        has_tone[part] = _fill(out[part], rows[part])
    return out, has_tone


def _fill(out: NDArray[np.uint8], tensors: NDArray[np.uint8]) -> NDArray[np.bool_]:
    pixels = out.shape[1]
    # All numbers up to the square root are whole and computed exactly: here below 2**24, by line below 2**53.
    luma = (tensors.reshape(-1, 3).astype(np.float32) @ _LUMA).astype(np.float64)
    lines = luma.reshape(len(out), math.isqrt(pixels), -1)
    sums = lines.sum(axis=(1, 2))
    squares = np.vecdot(lines, lines).astype(np.int64).sum(axis=1)
    # The variance times (1000 * pixels) squared: more than 64 bits where tensors are large.
    spread = [pixels * int(square) - int(total) ** 2 for square, total in zip(squares, sums, strict=True)]
    has_tone = np.array([value >= (_FLAT * _UNIT * pixels) ** 2 for value in spread], bool)
    deviation = np.array([math.sqrt(value) for value in spread])
    scaled = luma.reshape(out.shape)[has_tone]
    scaled *= pixels
    scaled -= sums[has_tone, None]
    scaled *= SCALE
    scaled /= deviation[has_tone, None]
    np.rint(scaled, out=scaled)
    scaled += 128
    out[has_tone] = np.clip(scaled, 0, 255, out=scaled)
    return has_tone
