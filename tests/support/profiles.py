"""ICC profiles made from nothing: RGB with other primaries, grey with an exponent, and a small one of CMYK."""

from __future__ import annotations

import io
import itertools
import struct

import numpy as np
from PIL import ImageCms

# Colorants adapted to D50, as they stand in such profiles: red, green, blue.
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
_D50 = (0.9642, 1.0, 0.8249)


def _profile(space: bytes, pcs: bytes, device: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"wtpt": _xyz(_D50), **tags}
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        padded = data + b"\0" * (-len(data) % 4)
        table += struct.pack(">4sII", name, at + len(body), len(data))
        body += padded
    size = at + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, device, space, pcs)
    header += b"\0" * 12 + b"acsp" + b"\0" * 28 + _xyz(_D50)[8:]
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _gamma(exponent: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256))


def _srgb_curve() -> bytes:
    values = np.arange(1024) / 1023
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return b"curv\0\0\0\0" + struct.pack(">I1024H", 1024, *np.rint(65535 * linear).astype(int))


def rgb_profile(colorants: tuple[tuple[float, ...], ...], exponent: float | None = None) -> bytes:
    curve = _srgb_curve() if exponent is None else _gamma(exponent)
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    tags = {name: _xyz(values) for name, values in zip(names, colorants, strict=True)}
    return _profile(b"RGB ", b"XYZ ", b"mntr", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def grey_profile(exponent: float) -> bytes:
    return _profile(b"GRAY", b"XYZ ", b"mntr", {b"kTRC": _gamma(exponent)})


def cmyk_profile(paper: tuple[int, int, int] = (255, 255, 255)) -> bytes:
    """Inks that darken as filters do, on paper of a colour; a table of 2 values for each ink."""
    corners = [
        [round(255 * (1 - ink) * (1 - k)) * level // 255 for ink, level in zip(inks, paper, strict=True)]
        for *inks, k in itertools.product((0, 1), repeat=4)
    ]
    ramp = bytes(range(256))
    table = b"".join(_lab(corner) for corner in corners)
    unity = b"".join(struct.pack(">i", 65536 * (row == column)) for row in range(3) for column in range(3))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + unity + ramp * 4 + table + ramp * 3
    return _profile(b"CMYK", b"Lab ", b"prtr", {b"A2B0": lut})


def _lab(rgb: list[int]) -> bytes:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in np.divide(rgb, 255)
    ]
    xyz = np.array(SRGB).T @ linear / _D50
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lab = (2.55 * (116 * f[1] - 16), 128 + 500 * (f[0] - f[1]), 128 + 200 * (f[1] - f[2]))
    return bytes(int(np.clip(round(value), 0, 255)) for value in lab)


def converted(image, profile: bytes):
    """The same look in the numbers of another profile."""
    target = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    made = ImageCms.profileToProfile(image, ImageCms.createProfile("sRGB"), target, outputMode="RGB")
    del made.info["icc_profile"]  # each test says itself what is embedded
    return made
