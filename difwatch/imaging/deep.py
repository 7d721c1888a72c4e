"""Grey pictures of more than 8 bits: one rule for what black and white are, whatever the format."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_AT_ONCE = 1 << 20  # values that are scaled at a time
_FAR_BRIGHTER = 4  # times as bright as 99 % of the points
_USUAL = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
_WIDENED = 257  # 8 bits are stored in 16 by repeating them


def is_deep(image: Image.Image) -> bool:
    """Tell whether a picture is grey with more than 8 bits."""
    return image.mode in ("F", "I") or image.mode.startswith("I;")


def eight_bits(image: Image.Image) -> Image.Image:
    """Scale a deep grey picture so that its range becomes 0...255; lay its transparent level on white.

    A usual range counts if the picture uses more than a quarter of it, otherwise the range is the picture's own.
    A few far brighter points (the sun, a hot pixel) must not make all others black.
    """
    deep = np.asarray(image)
    black, white = _range(deep)
    flat = np.empty(deep.shape, np.uint8)
    transparent = image.info.get("transparency")
    rows = max(1, _AT_ONCE // max(1, image.width))
    for start in range(0, image.height, rows):  # some rows at a time: as float64 they take much memory
        part = deep[start : start + rows]
        values = np.nan_to_num(part.astype(np.float64), nan=black, posinf=white, neginf=black)
        scaled = np.rint((values - black) * (255.0 / (white - black))).clip(0, 255)
        flat[start : start + rows] = scaled if transparent is None else np.where(part == transparent, 255, scaled)
    return Image.fromarray(flat)


def _range(deep: NDArray[Any]) -> tuple[float, float]:
    """Return the values of black and white."""
    if deep.dtype.kind in "ui" and deep.size and deep.max() <= _USUAL[-1] and not (deep % _WIDENED).any():
        return 0.0, _USUAL[-1]
    finite = deep[np.isfinite(deep)] if deep.dtype.kind == "f" else deep
    if not finite.size:
        return 0.0, 1.0
    black = min(0.0, float(finite.min()))
    brightest = float(finite.max()) - black
    most = _percentile(finite) - black
    if 0 < _FAR_BRIGHTER * most < brightest:
        brightest = most
    white = next((scale for scale in _USUAL if scale / 4 < brightest <= scale), brightest or 1.0)
    return black, black + white


def _percentile(values: NDArray[Any]) -> float:
    """Return what 99 % of the values do not exceed."""
    if values.dtype == np.uint16:  # much faster than sorting
        counts = np.bincount(values.ravel(), minlength=1)
        return float(np.searchsorted(counts.cumsum(), 0.99 * values.size))
    return float(np.percentile(values, 99))
