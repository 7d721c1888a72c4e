"""Writes the golden pictures of difwatch/imaging. Run once; the files are what counts, not this script."""

import io
import struct
import sys
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from tests.support import profiles


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
    small = Image.fromarray(pattern(40, 30))
    small.save(out / "display_p3.png", icc_profile=profiles.rgb_profile(profiles.DISPLAY_P3, 2.2), optimize=True)
    cmyk = small.convert("CMYK")
    cmyk.save(out / "cmyk.tif", icc_profile=profiles.cmyk_profile(), compression="tiff_adobe_deflate")
    grey = np.asarray(small.convert("L")).astype(np.uint16)
    Image.fromarray(grey * 4).save(out / "ten_bits.png", optimize=True)
    exponent = PngImagePlugin.PngInfo()
    exponent.add(b"gAMA", struct.pack(">I", 70_000))
    small.save(out / "exponent.png", pnginfo=exponent, optimize=True)
    whole = io.BytesIO()
    small.save(whole, "JPEG", quality=80)
    (out / "no_end_mark.jpg").write_bytes(whole.getvalue()[:-2])
    fast = out.with_name("golden_fast")
    fast.mkdir(exist_ok=True)
    Image.fromarray(smooth(1700, 1650)).save(fast / "large.jpg", quality=60)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
