"""The same look in another colour space: how far the tensors are apart, with and without converting.

    python -m tests.benchmarks.colours [--photos DIR] [--pictures N] [--cmyk PROFILE]

Saves photographs in Display P3 and Adobe RGB (the same look, losslessly), as PNG with an exponent and with cICP, and
prints the MSE to the sRGB original: as it is compared, and of the bare numbers. ``--cmyk`` names the profile of a
printer, such as Ghostscript's ``default_cmyk.icc``; a printer has fewer colours, so the original is what it prints.
"""

from __future__ import annotations

import argparse
import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from difwatch.imaging.recipe import make
from difwatch.imaging.tensor import tensor
from tests.support import profiles
from tests.support.paths import CORPUS

PX = 50


def encoded(image: Image.Image, chunk: tuple[bytes, bytes] | None = None, profile: bytes | None = None) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", icc_profile=profile, compress_level=1)
    data = out.getvalue()
    if chunk is None:
        return data
    at = data.find(b"IDAT") - 4
    name, content = chunk
    whole = struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return data[:at] + whole + data[at:]


def with_exponent(image: Image.Image, gamma: float) -> Image.Image:
    values = np.asarray(image) / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return Image.fromarray(np.rint(255 * light**gamma).astype(np.uint8))


def versions(image: Image.Image) -> dict[str, tuple[Image.Image, bytes]]:
    p3, adobe = profiles.rgb_profile(profiles.DISPLAY_P3), profiles.rgb_profile(profiles.ADOBE_RGB, 2.19921875)
    in_p3, in_adobe = profiles.converted(image, p3), profiles.converted(image, adobe)
    lighter = with_exponent(image, 0.6)
    return {
        "Display P3": (in_p3, encoded(in_p3, profile=p3)),
        "Adobe RGB": (in_adobe, encoded(in_adobe, profile=adobe)),
        "PNG with gAMA 0.6": (lighter, encoded(lighter, (b"gAMA", struct.pack(">I", 60_000)))),
        "PNG with cICP (P3)": (in_p3, encoded(in_p3, (b"cICP", bytes((12, 13, 0, 1))))),
    }


def printed(image: Image.Image, profile: Path) -> tuple[Image.Image, bytes, bytes]:
    """The inks of a picture, the file with them, and the file of what is printed in sRGB."""
    printer, srgb = ImageCms.getOpenProfile(str(profile)), ImageCms.createProfile("sRGB")
    relative = ImageCms.Intent.RELATIVE_COLORIMETRIC
    inks = ImageCms.profileToProfile(image, srgb, printer, relative, "CMYK")
    seen = ImageCms.profileToProfile(inks, printer, srgb, relative, "RGB")
    out = io.BytesIO()
    inks.save(out, "TIFF", icc_profile=profile.read_bytes())
    return inks.convert("RGB"), out.getvalue(), encoded(seen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=CORPUS / "photos")
    parser.add_argument("--pictures", type=int, default=120)
    parser.add_argument("--cmyk", type=Path)
    arguments = parser.parse_args()
    converted: dict[str, list[float]] = {}
    bare: dict[str, list[float]] = {}
    for path in sorted(arguments.photos.rglob("*.jpg"))[: arguments.pictures]:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        original = make(encoded(image), PX).tensor.astype(int)
        for name, (numbers, data) in versions(image).items():
            converted.setdefault(name, []).append(((make(data, PX).tensor - original) ** 2).mean())
            bare.setdefault(name, []).append(((tensor(numbers, PX) - original) ** 2).mean())
        if arguments.cmyk:
            numbers, data, seen = printed(image, arguments.cmyk)
            original = make(seen, PX).tensor.astype(int)
            converted.setdefault("CMYK", []).append(((make(data, PX).tensor - original) ** 2).mean())
            bare.setdefault("CMYK", []).append(((tensor(numbers, PX) - original) ** 2).mean())
    print("| version | N | MSE as compared: median, 95 %, most | of the bare numbers: median, 95 %, most |")
    print("|---|---|---|---|")
    for name in converted:
        figures = (
            ", ".join(f"{value:.2f}" for value in (*np.quantile(some[name], (0.5, 0.95)), max(some[name])))
            for some in (converted, bare)
        )
        print(f"| {name} | {len(converted[name])} | {' | '.join(figures)} |")


if __name__ == "__main__":
    main()
