"""A raw file is never a picture by the preview in it."""

import io
import struct

import pytest
from PIL import Image

from difwatch.imaging import DecodeError, make
from tests.support.photos import photo


def tiff(tags, image=None):
    out = io.BytesIO()
    (image or photo(1)).save(out, "TIFF", tiffinfo=tags)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        tiff({254: 1, 330: 8}),
        tiff({50706: b"\1\4\0\0"}),
        b"FUJIFILMCCD-RAW 0201",
        b"II\x1a\0\0\0HEAPCCDR",
        b"\0\0\0\x18ftypcrx \0\0\0\1",
        b"II*\0\x10\0\0\0CR\x02\0" + bytes(100),
        b"IIU\0\x18\0\0\0" + bytes(100),
    ],
    ids=["a preview first", "DNG", "RAF", "CRW", "CR3", "CR2", "RW2"],
)
def test_raw_files_are_refused_with_a_reason_that_says_so(data):
    with pytest.raises(DecodeError, match="a raw file of a camera"):
        make(data, 10)


def test_what_a_sensor_saw_is_a_raw_file():
    sensor = bytearray(tiff({}, photo(1).convert("L")))
    start = struct.unpack_from("<I", sensor, 4)[0]
    for at in range(start + 2, start + 2 + 12 * struct.unpack_from("<H", sensor, start)[0], 12):
        if struct.unpack_from("<H", sensor, at)[0] == 262:
            struct.pack_into("<H", sensor, at + 8, 32803)
    with pytest.raises(DecodeError):
        make(bytes(sensor), 10)


def test_an_ordinary_tiff_is_a_picture_even_if_it_says_that_it_is_small():
    assert make(tiff({}), 10).width == 60
    assert make(tiff({254: 1}), 10).width == 60


def test_a_jpeg_is_a_picture():
    out = io.BytesIO()
    Image.new("RGB", (20, 20)).save(out, "JPEG")
    assert make(out.getvalue(), 10).width == 20
