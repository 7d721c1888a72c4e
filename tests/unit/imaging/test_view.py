"""A view shows what was compared: upright, in sRGB, oriented, and without what else the file holds."""

import io

import numpy as np
import pytest
from PIL import Image

from difwatch.compare.orientation import ALL, oriented
from difwatch.imaging.decode import DecodeError, decode
from difwatch.imaging.view import view
from tests.support.photos import photo

MOST = 10**8


def pixels(jpeg):
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.format == "JPEG"
        return np.asarray(opened.convert("RGB")).astype(int)


def encoded(image, kind="PNG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("orientation", ALL)
def test_a_view_is_the_picture_as_it_is_decoded_in_each_orientation(orientation):
    image = photo(1, 120, 80)
    shown = pixels(view(encoded(image), 500, orientation, MOST))
    expected = oriented(np.asarray(image).astype(int), orientation)
    assert shown.shape == expected.shape
    assert np.abs(shown - expected).mean() < 4, "but for the loss of JPEG"


def test_the_longest_side_is_as_asked_and_a_small_picture_is_not_enlarged():
    assert pixels(view(encoded(photo(1, 400, 100), "JPEG"), 320, 0, MOST)).shape == (80, 320, 3)
    assert pixels(view(encoded(photo(1, 40, 100)), 320, 0, MOST)).shape == (100, 40, 3)


def test_a_view_is_upright_and_tells_nothing_of_the_camera():
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera of a person"
    data = encoded(photo(2, 90, 60), "JPEG", exif=exif, quality=95)
    jpeg = view(data, 320, 0, MOST)
    assert pixels(jpeg).shape == (90, 60, 3)
    assert b"Camera" not in jpeg
    assert np.abs(pixels(jpeg) - np.asarray(decode(data).image)).mean() < 4


def test_what_cannot_be_decoded_is_said_in_words():
    with pytest.raises(DecodeError, match="not those of any image"):
        view(b"nothing of the kind", 320, 0, MOST)
    with pytest.raises(DecodeError, match="more than the limit"):
        view(encoded(photo(1, 40, 100)), 320, 0, 100)
