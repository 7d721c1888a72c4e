"""A raw file is no picture by the first preview in it: by the largest if its decoder is installed, or not at all."""

import io
import struct
import sys

import numpy as np
import pytest
from PIL import Image

from difwatch.imaging.decode import DecodeError
from difwatch.imaging.recipe import make
from difwatch.model.pictures import RAW
from tests.support.photos import photo
from tests.support.raws import needs_raw, raw_file


def tiff(tags, image=None):
    out = io.BytesIO()
    (image or photo(1)).save(out, "TIFF", tiffinfo=tags)
    return out.getvalue()


def png(image):
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


KINDS = pytest.mark.parametrize(
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


@KINDS
def test_without_the_decoder_raw_files_are_refused_with_a_reason_that_says_what_to_do(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(DecodeError, match=r"a raw file of a camera: .*pip install 'difwatch\[raw\]'"):
        make(data, 10)


@needs_raw
@KINDS
def test_a_broken_raw_file_is_refused_as_one(data):
    with pytest.raises(DecodeError, match="this raw file has no preview that can be read"):
        make(data, 10)


@needs_raw
def test_the_largest_preview_is_compared_and_the_size_is_that_of_the_raw_picture():
    small, large = photo(1, 16, 12), photo(2, 120, 80)
    made = make(raw_file([small, large], (300, 200)), 10)
    assert (made.width, made.height, made.facts.format) == (300, 200, RAW)
    assert np.abs(made.tensor.astype(int) - make(png(large), 10).tensor).mean() < 3
    assert (make(raw_file([large], (300, 200)), 10).tensor == make(png(large), 10).tensor).all()


@needs_raw
@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
@pytest.mark.parametrize("as_jpeg", [False, True])
def test_the_preview_is_turned_as_the_raw_file_says(orientation, turns, as_jpeg):
    preview = photo(3, 120, 80)
    previews = [photo(1, 16, 12), preview] if as_jpeg else [preview]
    made = make(raw_file(previews, (300, 200), orientation), 10)
    upright = make(png(preview.rotate(90 * turns, expand=True)), 10)
    assert np.abs(made.tensor.astype(int) - upright.tensor).mean() < 3
    assert (made.width, made.height) == ((200, 300) if turns % 2 else (300, 200))


@needs_raw
def test_a_raw_file_above_the_limit_of_pixels_is_refused():
    with pytest.raises(DecodeError, match="300 x 200 pixels, more than the limit"):
        make(raw_file([photo(1)], (300, 200)), 10, max_pixels=50_000)


@needs_raw
def test_by_its_name_anything_may_be_a_raw_file():
    with pytest.raises(DecodeError, match="this raw file"):
        make(png(photo(1)), 10, is_raw=True)


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
