"""Writes the golden pictures of difwatch/imaging. Run once; the files are what counts, not this script."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image


def pattern(width: int, height: int) -> np.ndarray:
    """Gradients, edges and some texture, without randomness."""
    y, x = np.mgrid[0:height, 0:width]
    red = (x * 255 // max(width - 1, 1) + 40 * ((x // 7 + y // 11) % 2)) % 256
    green = (y * 255 // max(height - 1, 1)) ^ (x % 16)
    blue = ((x * x + y * y * 3) // 64) % 256
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def smooth(width: int, height: int) -> np.ndarray:
    """Gradients only: large, and small as a file."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 120 * np.sin(x / (90 + 30 * channel) + y / (140 - 20 * channel)) for channel in range(3)]
    return np.stack(waves, axis=-1).astype(np.uint8)


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    wide, tall, square = (Image.fromarray(pattern(*size)) for size in ((160, 90), (61, 190), (96, 96)))
    wide.save(out / "wide_subsampled.jpg", quality=80, subsampling=2)
    tall.save(out / "tall_progressive.jpg", quality=85, subsampling=1, progressive=True)
    square.save(out / "square.webp", quality=75)
    square.quantize(32).save(out / "palette.png", optimize=True)
    alpha = tall.convert("RGBA")
    alpha.putalpha(Image.fromarray(pattern(61, 190)[..., 1]))
    alpha.resize((40, 120)).save(out / "alpha.png", optimize=True)
    fast = out.with_name("golden_fast")
    fast.mkdir(exist_ok=True)
    Image.fromarray(smooth(1700, 1650)).save(fast / "large.jpg", quality=60)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
