"""Small raw files: a TIFF as cameras write it, with previews first and what the sensor saw behind them."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from difwatch.extensions import reads_raw

needs_raw = pytest.mark.skipif(not reads_raw(), reason="needs the extra raw: pip install '.[raw]'")

_SHORT, _LONG = 3, 4


def raw_file(previews: list[Image.Image], size: tuple[int, int] = (300, 200), orientation: int = 1) -> bytes:
    """A DNG of uncompressed sensor values; the first preview as pixels in the first directory, others as JPEG."""
    blocks: list[bytes] = [_pixels(previews[0]), *(_jpeg(one) for one in previews[1:]), bytes(2 * size[0] * size[1])]
    first = _tags(previews[0], orientation) | {50706: (1, b"\1\4\0\0"), 271: (2, b"Acme\0"), 272: (2, b"X100\0")}
    others = [{254: 1, 256: one.width, 257: one.height, 258: 8, 259: 7, 262: 6, 277: 3} for one in previews[1:]]
    sensor = {254: 0, 256: size[0], 257: size[1], 258: 16, 259: 1, 262: 32803, 277: 1}
    sensor |= {33421: (_SHORT, struct.pack("<HH", 2, 2)), 33422: (1, bytes([0, 1, 1, 2]))}
    return _file([first, *others, sensor], blocks)


def _tags(preview: Image.Image, orientation: int) -> dict[int, object]:
    bits = (_SHORT, struct.pack("<HHH", 8, 8, 8))
    return {254: 1, 256: preview.width, 257: preview.height, 258: bits, 259: 1, 262: 2, 274: orientation, 277: 3}


def _pixels(image: Image.Image) -> bytes:
    return image.convert("RGB").tobytes()


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95)
    return out.getvalue()


def _file(directories: list[dict[int, object]], blocks: list[bytes]) -> bytes:
    """The directories, all but the first as SubIFDs, each with a strip."""
    at, offsets = 8, []
    for block in blocks:
        offsets.append(at)
        at += len(block) + len(block) % 2
    body = b"".join(block + bytes(len(block) % 2) for block in blocks)
    starts = []
    for number in (*range(1, len(directories)), 0):
        tags = dict(directories[number]) | {273: offsets[number], 278: directories[number][257]}
        tags[279] = len(blocks[number])
        if number == 0:
            tags[330] = (_LONG, b"".join(struct.pack("<I", start) for start in starts))
        starts.append(8 + len(body))
        body += _directory(tags, starts[-1])
    return b"II*\0" + struct.pack("<I", starts[-1]) + body


def _directory(tags: dict[int, object], start: int) -> bytes:
    entries, behind = b"", b""
    after = start + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        kind, data = value if isinstance(value, tuple) else (_LONG, struct.pack("<I", value))
        count = len(data) // {1: 1, 2: 1, _SHORT: 2, _LONG: 4}[kind]
        if len(data) > 4:
            data, place = data + bytes(len(data) % 2), struct.pack("<I", after + len(behind))
            behind, data = behind + data, place
        entries += struct.pack("<HHI", tag, kind, count) + data.ljust(4, b"\0")
    return struct.pack("<H", len(tags)) + entries + bytes(4) + behind
