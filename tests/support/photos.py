"""Made-up pictures."""

from __future__ import annotations

import numpy as np
from PIL import Image


def photo(seed: int, width: int = 60, height: int = 40) -> Image.Image:
    """A smooth made-up picture; different seeds look different."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def exif_of(
    taken: str, fraction: str | None = None, offset: str | None = None, orientation: int = 1, place: bool = False
) -> Image.Exif:
    """The EXIF of a camera."""
    exif = Image.Exif()
    exif.update({0x010F: "Acme", 0x0110: "Acme X100", 0x0112: orientation})
    details = {0x9003: taken, 0x9291: fraction, 0x9011: offset, 0xA434: "50 mm"}
    exif.get_ifd(0x8769).update({tag: value for tag, value in details.items() if value is not None})
    if place:
        exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 0.0), 3: "E", 4: (11.0, 34.0, 0.0)})
    return exif
