"""Files that are broken, hostile or odd, made from good ones."""

from __future__ import annotations

import io
import os
import random
import socket
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.photos import photo

FLOATS = np.linspace(0, 1, 60 * 40, dtype=np.float32).reshape(40, 60)
DEEP = np.linspace(0, 65535, 60 * 40).astype(np.uint16).reshape(40, 60)


def good_files() -> dict[str, bytes]:
    """A good file of each kind, by name."""
    rgb, other = photo(1), photo(2)
    alpha = rgb.convert("RGBA")
    alpha.putalpha(Image.fromarray((FLOATS * 255).astype(np.uint8)))
    kinds: dict[str, tuple[Image.Image, str, dict[str, object]]] = {
        "base.jpg": (rgb, "JPEG", {}),
        "progressive.jpg": (rgb, "JPEG", {"progressive": True}),
        "cmyk.jpg": (rgb.convert("CMYK"), "JPEG", {}),
        "rgb.png": (rgb, "PNG", {}),
        "alpha.png": (alpha, "PNG", {}),
        "palette.png": (rgb.quantize(30), "PNG", {}),
        "deep.png": (Image.fromarray(DEEP), "PNG", {}),
        "moving.png": (rgb, "PNG", {"save_all": True, "append_images": [other]}),
        "lossy.webp": (rgb, "WEBP", {}),
        "lossless.webp": (rgb, "WEBP", {"lossless": True}),
        "moving.webp": (rgb, "WEBP", {"save_all": True, "append_images": [other]}),
        "moving.gif": (rgb.quantize(60), "GIF", {"save_all": True, "append_images": [other.quantize(60)]}),
        "plain.tif": (rgb, "TIFF", {}),
        "lzw.tif": (rgb, "TIFF", {"compression": "tiff_lzw"}),
        "deflate.tif": (rgb, "TIFF", {"compression": "tiff_adobe_deflate"}),
        "jpeg.tif": (rgb, "TIFF", {"compression": "jpeg"}),
        "pages.tif": (rgb, "TIFF", {"save_all": True, "append_images": [other]}),
        "deep.tif": (Image.fromarray(DEEP), "TIFF", {}),
        "float.tif": (Image.fromarray(FLOATS), "TIFF", {}),
        "plain.ppm": (rgb, "PPM", {}),
        "run.tga": (rgb, "TGA", {"compression": "tga_rle"}),
        "small.ico": (rgb, "ICO", {}),
        "plain.jp2": (rgb, "JPEG2000", {}),
        "plain.pcx": (rgb, "PCX", {}),
        "plain.sgi": (rgb, "SGI", {}),
        "plain.dds": (rgb, "DDS", {}),
    }
    found = {}
    for name, (image, kind, options) in kinds.items():
        out = io.BytesIO()
        image.save(out, kind, **options)
        found[name] = out.getvalue()
    return found


def damaged(data: bytes, cuts: int, flips: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """A file cut off at many places, with single bits flipped, and with a tail of zeros."""
    rng = random.Random(seed)
    for number in range(cuts):
        yield f"cut{number}", data[: len(data) * number // cuts]
        zeros = len(data) * number // cuts
        yield f"zeros{number}", data[:zeros] + bytes(len(data) - zeros)
    for number in range(flips):
        flipped = bytearray(data)
        flipped[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        yield f"flip{number}", bytes(flipped)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, *chunks: bytes) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = _chunk(
        b"IDAT", zlib.compress(b"".join(b"\0" + bytes(min(3 * width, 4096)) for _ in range(min(height, 20))))
    )
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + rows + _chunk(b"IEND", b"")


def bombs() -> dict[str, bytes]:
    """Small files that become large ones."""
    flood = zlib.compress(bytes(400 << 20), 9)
    tif = io.BytesIO()
    photo(1).save(tif, "TIFF")
    huge = tif.getvalue().replace(struct.pack("<HHII", 256, 4, 1, 60), struct.pack("<HHII", 256, 4, 1, 2**31 - 1))
    frames = io.BytesIO()
    dots = [Image.new("P", (8, 8), number % 250) for number in range(3000)]
    dots[0].save(frames, "GIF", save_all=True, append_images=dots[1:])
    vp8x = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + b"\xff\xff\xff" * 2
    return {
        "giant.png": _png(60_000, 60_000),
        "wide.png": _png(2**31 - 1, 1),
        "profile.png": _png(20, 20, _chunk(b"iCCP", b"x\0\0" + flood)),
        "text.png": _png(20, 20, *(_chunk(b"zTXt", b"x%d\0\0" % number + flood) for number in range(3))),
        "long.png": _png(20, 20, _chunk(b"iTXt", b"x\0\1\0\0\0" + flood)),
        "giant.tif": huge,
        "giant.webp": b"RIFF" + struct.pack("<I", 4 + len(vp8x)) + b"WEBP" + vp8x,
        "frames.gif": frames.getvalue(),
        "giant.gif": b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x08\0;",
        "giant.ppm": b"P6 99999 99999 255\n" + bytes(1000),
        "giant.jp2": b"\xff\x4f\xff\x51" + struct.pack(">HHIIII", 41, 0, 2**31 - 1, 2**31 - 1, 0, 0) + bytes(60),
    }


def make_odd_places(folder: Path) -> int:
    """Things that are no files, with the names of pictures; gives how many of them can have a verdict."""
    os.mkfifo(folder / "fifo.jpg")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "socket.jpg"))
    (folder / "directory.jpg").mkdir()
    (folder / "link.jpg").symlink_to(folder / "rgb.png")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "nowhere.jpg").symlink_to(folder / "no such file")
    if os.geteuid() != 0:
        return 2
    os.mknod(folder / "device.jpg", 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero: endless, if it were read
    return 3
