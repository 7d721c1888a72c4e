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
_RED, _GREEN, _BLUE = 299, 587, 114  # thousandths, as ITU-R BT.601 weighs them
_LUMA = _RED + _GREEN + _BLUE
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
        has_tone[part] = _fill(out[part], rows[part].reshape(-1, pixels, 3))
    return out, has_tone


def _fill(out: NDArray[np.uint8], tensors: NDArray[np.uint8]) -> NDArray[np.bool_]:
    pixels = out.shape[1]
    parts = (tensors[:, :, channel] * np.int32(weight) for channel, weight in enumerate((_RED, _GREEN, _BLUE)))
    luma = sum(parts, start=np.zeros(out.shape, np.int32)).astype(np.int64)
    sums = luma.sum(axis=1)
    squares = np.vecdot(luma, luma)
    # The variance times (1000 * pixels) squared: more than 64 bits where tensors are large.
    spread = [pixels * int(square) - int(total) ** 2 for square, total in zip(squares, sums, strict=True)]
    has_tone = np.array([value >= (_FLAT * _LUMA * pixels) ** 2 for value in spread], bool)
    deviation = np.array([math.sqrt(value) for value in spread])
    luma *= pixels
    luma -= sums[:, None]
    scaled = luma[has_tone] * np.float64(SCALE)
    scaled /= deviation[has_tone, None]
    out[has_tone] = np.clip(np.rint(scaled) + 128, 0, 255)
    return has_tone
