"""Only the first frame is compared, so the number of frames is known."""

import io
import struct

import pytest

from difwatch.imaging.recipe import make
from tests.support.photos import photo

FRAMES = [photo(number) for number in range(3)]


def encoded(kind, frames, **options):
    out = io.BytesIO()
    first, *others = (frame.copy() for frame in frames)  # Pillow notes on them how they were saved
    first.save(out, kind, save_all=True, append_images=others, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animations_and_pages_are_counted(kind):
    assert make(encoded(kind, FRAMES), 10).frames == 3
    assert make(encoded(kind, FRAMES[:1]), 10).frames == 1


def test_what_is_broken_behind_its_first_frame_is_a_picture_with_more_than_one():
    whole = encoded("TIFF", FRAMES)
    # The directory of the second page begins where the first one says.
    start = struct.unpack_from("<I", whole, 4)[0]
    entries = struct.unpack_from("<H", whole, start)[0]
    second = struct.unpack_from("<I", whole, start + 2 + 12 * entries)[0]
    made = make(whole[:second] + bytes(len(whole) - second), 10)
    assert made.frames >= 1
    assert (made.tensor == make(encoded("TIFF", FRAMES[:1]), 10).tensor).all()


def test_a_thumbnail_behind_a_scan_is_no_page():
    out = io.BytesIO()
    thumbnail = FRAMES[0].resize((30, 20))
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}
    FRAMES[0].save(out, "TIFF", save_all=True, append_images=[thumbnail])
    assert make(out.getvalue(), 10).frames == 1


@pytest.mark.parametrize(("kind", "frames"), [(0x020002, 3), (0x020003, 3), (0x000000, 1), (0x010001, 1)])
def test_views_of_a_scene_are_frames_and_previews_and_gain_maps_are_none(kind, frames):
    """MPO files of panoramas and stereo cameras against those of phones, as their directory says."""
    whole = bytearray(encoded("MPO", FRAMES))
    start = whole.find(b"MPF\0") + 4
    entries = whole.find(b"\x02\xb0\x07\0", start)
    at = start + struct.unpack_from("<I", whole, entries + 8)[0]
    for number in (1, 2):
        struct.pack_into("<I", whole, at + 16 * number, kind)
    assert make(bytes(whole), 10).frames == frames


def test_the_layers_of_a_drawing_are_no_frames(monkeypatch):
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 4, 4, 8, 3) + struct.pack(">III", 0, 0, 0)
    assert make(header + b"\0\0" + bytes(48), 10).frames == 1
