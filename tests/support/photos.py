"""Made-up pictures."""

from __future__ import annotations

import numpy as np
from PIL import Image


def photo(seed: int, width: int = 60, height: int = 40) -> Image.Image:
    """A smooth made-up picture; different seeds look different."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
