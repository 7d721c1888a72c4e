"""Colours are compared as a viewer shows them, whatever numbers stand for them."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from difwatch.imaging.recipe import make
from tests.support import profiles
from tests.support.photos import photo

# Where cyan, magenta, yellow and black are printed: each alone, and paper.
INKS = [[[0], [int(ink == 0)], [int(ink == 1)], [int(ink == 2)], [int(ink == 3)]] for ink in range(4)]


def encoded(image, kind="PNG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def with_chunks(png, *chunks):
    at = png.find(b"IDAT") - 4
    added = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return png[:at] + added + png[at:]


def mse(a, b, recipe="exact"):
    one, two = (make(data, 50, recipe).tensor.astype(float) for data in (a, b))
    return ((one - two) ** 2).mean()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize(
    ("colorants", "exponent"),
    [(profiles.DISPLAY_P3, None), (profiles.ADOBE_RGB, 2.19921875), (profiles.SRGB[::-1], None)],
)
def test_the_same_look_under_another_profile_is_the_same_picture(kind, colorants, exponent):
    profile = profiles.rgb_profile(colorants, exponent)
    image = photo(3)
    other = profiles.converted(image, profile)
    options = {"JPEG": {"quality": 97, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    assert mse(encoded(image), encoded(other, kind, icc_profile=profile, **options)) < 4
    assert mse(encoded(image), encoded(other, kind, **options)) > 10


def test_the_same_numbers_under_another_profile_are_another_picture():
    image = photo(3)
    swapped = profiles.rgb_profile(profiles.SRGB[::-1])
    assert mse(encoded(image), encoded(image, icc_profile=swapped)) > 100


@pytest.mark.parametrize(
    "profile",
    [
        profiles.rgb_profile(profiles.SRGB),
        profiles.rgb_profile(profiles.DISPLAY_P3)[:200],
        b"no profile at all",
        profiles.grey_profile(1.0),
        profiles.cmyk_profile(),
    ],
    ids=["of sRGB", "cut off", "none", "of grey", "of CMYK"],
)
def test_a_profile_that_is_srgb_or_cannot_be_used_changes_nothing(profile):
    image = photo(1)
    assert mse(encoded(image), encoded(image, icc_profile=profile)) == 0


def test_a_grey_picture_is_shown_with_the_curve_of_its_profile():
    grey = photo(1).convert("L")
    linear = 255 * np.where(
        (values := np.asarray(grey) / 255) <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )
    same_look = Image.fromarray(np.rint(linear).astype(np.uint8))
    profile = profiles.grey_profile(1.0)
    assert mse(encoded(grey), encoded(same_look, icc_profile=profile)) < 2
    assert mse(encoded(grey), encoded(same_look)) > 100
    assert mse(encoded(grey.convert("RGB")), encoded(grey, icc_profile=profiles.rgb_profile(profiles.ADOBE_RGB))) == 0


def test_cmyk_is_shown_as_its_profile_says():
    inks = [255 * np.kron(ink, np.ones((50, 50), int)).astype(np.uint8)[:, :50] for ink in INKS]
    image = Image.merge("CMYK", [Image.fromarray(ink) for ink in inks])
    plain = encoded(image, "TIFF")
    white_paper = encoded(image, "TIFF", icc_profile=profiles.cmyk_profile())
    yellow_paper = encoded(image, "TIFF", icc_profile=profiles.cmyk_profile((255, 240, 150)))
    assert mse(plain, white_paper) < 150
    assert mse(white_paper, yellow_paper) > 500
    assert make(yellow_paper, 50).tensor.shape == (50, 50, 3)
    assert mse(plain, encoded(image, "TIFF", icc_profile=profiles.rgb_profile(profiles.ADOBE_RGB))) == 0


def test_png_says_its_exponent():
    image = photo(3)
    light = (np.asarray(image) / 255 + 0.055) / 1.055
    lighter = Image.fromarray(np.rint(255 * (light**2.4) ** 0.7).astype(np.uint8))
    assert mse(encoded(image), with_chunks(encoded(lighter), (b"gAMA", struct.pack(">I", 70_000)))) < 5
    assert mse(encoded(image), encoded(lighter)) > 50
    usual = with_chunks(encoded(image), (b"gAMA", struct.pack(">I", 45_455)))
    assert mse(encoded(image), usual) == 0
    assert mse(encoded(image), with_chunks(encoded(image), (b"gAMA", struct.pack(">I", 2_000)))) > 1000


def test_png_says_its_primaries():
    image = photo(3)
    p3 = profiles.converted(image, profiles.rgb_profile(profiles.DISPLAY_P3))
    corners = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    chunks = ((b"gAMA", struct.pack(">I", 45_455)), (b"cHRM", struct.pack(">8I", *corners)))
    assert mse(encoded(image), with_chunks(encoded(p3), *chunks)) < 1
    assert mse(encoded(image), with_chunks(encoded(p3), (b"cICP", bytes((12, 13, 0, 1))))) < 1
    assert mse(encoded(image), with_chunks(encoded(image), (b"cICP", bytes((1, 13, 0, 1))))) == 0


@pytest.mark.parametrize("transfer", [16, 18])
def test_a_picture_of_high_dynamic_range_is_shown_with_its_curve(transfer):
    image = photo(3)
    shown = with_chunks(encoded(image), (b"cICP", bytes((9, transfer, 0, 1))))
    assert mse(encoded(image), shown) > 100


@pytest.mark.parametrize(
    "chunk",
    [(b"cICP", bytes((99, 13, 0, 1))), (b"cICP", bytes((1, 13, 5, 1))), (b"cHRM", struct.pack(">8I", *[0] * 8))],
)
def test_what_no_viewer_understands_changes_nothing(chunk):
    image = photo(3)
    assert mse(encoded(image), with_chunks(encoded(image), (b"gAMA", struct.pack(">I", 45_455)), chunk)) == 0


def test_cicp_counts_before_a_profile_and_a_profile_before_gamma():
    image = photo(3)
    swapped = encoded(image, icc_profile=profiles.rgb_profile(profiles.SRGB[::-1]))
    gamma = (b"gAMA", struct.pack(">I", 100_000))
    assert mse(swapped, with_chunks(swapped, gamma)) == 0
    assert mse(encoded(image), with_chunks(swapped, gamma, (b"cICP", bytes((1, 13, 0, 1))))) == 0


@pytest.mark.parametrize("size", [(90, 60), (60, 90), (70, 70)])
def test_colours_commute_with_turning(size):
    profile = profiles.rgb_profile(profiles.ADOBE_RGB, 2.2)
    image = photo(3).resize(size)
    upright = make(encoded(image, icc_profile=profile), 20).tensor
    turned = make(encoded(image.transpose(Image.Transpose.ROTATE_90), icc_profile=profile), 20).tensor
    assert np.array_equal(turned, np.rot90(upright))


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_profile_of_other_colours_does_not_count_for_grey(mode, kind):
    grey = photo(1).convert(mode)
    assert mse(encoded(grey, kind), encoded(grey, kind, icc_profile=profiles.cmyk_profile())) == 0


def test_a_profile_of_very_many_bytes_is_not_used():
    image = photo(1)
    swapped = profiles.rgb_profile(profiles.SRGB[::-1])
    assert mse(encoded(image, "TIFF"), encoded(image, "TIFF", icc_profile=swapped)) > 100
    assert mse(encoded(image, "TIFF"), encoded(image, "TIFF", icc_profile=swapped + bytes(5 << 20))) == 0
