"""Facts: what a file says about its picture, and nothing where it says nothing or nonsense."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from difwatch.imaging.recipe import make
from difwatch.model.pictures import Facts
from tests.support.photos import exif_of, photo


def encoded(kind="JPEG", image=None, **options):
    out = io.BytesIO()
    (image or photo(1)).save(out, kind, **options)
    return out.getvalue()


def facts(data):
    return make(data, 10).facts


def test_a_photo_of_a_camera_has_all_its_facts():
    exif = exif_of("2024:05:01 12:30:07", "123", "+02:00", orientation=6, place=True)
    found = facts(encoded(exif=exif, quality=82))
    assert found == Facts(
        format="JPEG",
        bits=8,
        camera="Acme X100",
        lens="50 mm",
        taken="2024-05-01T12:30:07.123+02:00",
        has_place=True,
        orientation=6,
        quality=82,
    )


@pytest.mark.parametrize("quality", [20, 30, 49, 50, 51, 75, 90, 95, 100])
def test_the_quality_of_a_jpeg_is_about_that_of_the_encoder(quality):
    assert abs(facts(encoded(quality=quality)).quality - quality) <= 1


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_other_formats_are_named_and_have_no_quality(kind):
    found = facts(encoded(kind))
    assert (found.format, found.quality, found.taken, found.camera) == (kind, None, None, None)


def test_deep_pictures_say_how_deep():
    deep = Image.new("I;16", (20, 20), 3000)
    assert facts(encoded("PNG", deep)).bits == 16
    assert facts(encoded("PNG", Image.new("1", (20, 20)))).bits == 1


def test_a_colour_picture_of_sixteen_bits_says_so():
    values = np.zeros((4, 4, 3), ">u2")
    lines = b"".join(b"\0" + line.tobytes() for line in values)
    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    assert facts(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).bits == 16


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({0x9003: "0000:00:00 00:00:00", 0x9004: "2024:05:01 12:30:07"}, "2024-05-01T12:30:07"),
        ({0x9003: "    ", 0x9004: "2024:05:01 12:30:07"}, "2024-05-01T12:30:07"),
        ({0x9004: "2024:05:01 12:30:07", 0x9291: "5", 0x9011: "+02:00"}, "2024-05-01T12:30:07"),
        ({0x9004: "2024:05:01 12:30:07", 0x9292: "5", 0x9012: "+02:00"}, "2024-05-01T12:30:07.5+02:00"),
        ({0x9003: "2024:05:01 12:30:07", 0x9291: "5", 0x9011: "+99:99"}, "2024-05-01T12:30:07.5"),
        ({0x9003: "2024:13:01 12:30:07"}, None),
        ({0x9003: "0001:01:01 00:00:00", 0x9011: "+01:00"}, None),
    ],
)
def test_a_moment_is_one_at_which_a_picture_can_have_been_taken(tags, expected):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif).update(tags)
    assert facts(encoded(exif=exif)).taken == expected


@given(
    taken=st.one_of(st.text(max_size=25), st.sampled_from(["0000:00:00 00:00:00", "2024:13:99 25:61:61", ""])),
    fraction=st.text(max_size=12),
    make_=st.text(max_size=300),
)
def test_nonsense_in_the_exif_is_no_fact_and_no_trouble(taken, fraction, make_):
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = make_
    exif.get_ifd(ExifTags.IFD.Exif).update({0x9003: taken, 0x9291: fraction})
    found = facts(encoded(exif=exif))
    assert found.taken is None or found.taken[:4].isdigit()
    assert found.camera is None or 0 < len(found.camera) <= 100


def test_a_broken_block_of_exif_is_unknown():
    data = encoded(exif=exif_of("2024:05:01 12:30:07"))
    start = data.index(b"Exif\0\0") + 6
    found = facts(data[:start] + b"\xff" * 40 + data[start + 40 :])
    assert (found.taken, found.camera) == (None, None)
