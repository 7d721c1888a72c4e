"""What a viewer shows is what is compared."""

import importlib.util
import io
import itertools
import struct
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from difwatch.extensions import is_image_name
from difwatch.imaging.decode import DecodeError, decode
from difwatch.imaging.recipe import make
from difwatch.imaging.tensor import tensor
from tests.support.photos import photo


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def pixels(data):
    return np.asarray(decode(data).image)


def test_what_is_transparent_is_laid_on_white():
    shape = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    shape.paste((0, 0, 0, 255), (10, 10, 30, 30))
    other = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    other.paste((0, 0, 0, 255), (0, 0, 8, 8))
    one, two = pixels(encoded(shape, "PNG")), pixels(encoded(other, "PNG"))
    assert (one[0, 39] == 255).all()
    assert (one[20, 20] == 0).all()
    assert not np.array_equal(one, two), "two black drawings of different shape are different pictures"


def test_half_transparent_black_is_grey():
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 128))
    assert (pixels(encoded(image, "PNG")) == 127).all()


def test_a_transparent_palette_colour_is_laid_on_white():
    image = Image.new("P", (8, 8), 1)
    image.putpalette([255, 0, 0, 0, 0, 255] + [0] * 762)
    image.paste(0, (0, 0, 4, 8))
    got = pixels(encoded(image, "PNG", transparency=1))
    assert (got[0, 0] == (255, 0, 0)).all()
    assert (got[0, 7] == 255).all()


def test_sixteen_bits_are_scaled_and_not_clipped_to_white():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None, :].repeat(4, axis=0)
    for kind in ("PNG", "TIFF"):
        got = pixels(encoded(Image.fromarray(ramp), kind))[0, :, 0]
        assert np.array_equal(got, np.rint(ramp[0] / 257).astype(np.uint8)), kind


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0, 1e6])
def test_a_float_ramp_runs_from_black_to_white_whatever_its_range(top):
    ramp = np.linspace(0, top, 64, dtype=np.float32)[None, :].repeat(4, axis=0)
    got = pixels(encoded(Image.fromarray(ramp), "TIFF"))[0, :, 0].astype(int)
    assert (got[0], got[-1]) == (0, 255)
    assert (np.diff(got) > 0).all()


ROWS, COLUMNS = np.mgrid[0:60, 0:80]
RAMP, WAVES = COLUMNS / 80, (np.sin(COLUMNS / 6) * np.cos(ROWS / 4) + 1) / 2


@pytest.mark.parametrize(
    ("kind", "low", "top", "highlight"),
    [
        ("f4", 0, 0.9, 0.9), ("f4", 0, 0.9, 1.05), ("f4", 0, 0.4, 1.05), ("f4", 0, 0.9, 1e5), ("f4", -1, 0, 0),
        ("f4", -0.5, 0.5, np.inf), ("f4", 0, 1e-3, 1e-3), ("f4", 0, 70.0, np.nan), ("i4", 0, 230, 230),
        ("i4", 0, 70_000, 70_000), ("i4", 0, 100_000, 2**31 - 1), ("i4", -5000, 5000, 5000),
    ],
)  # fmt: skip
def test_deep_pictures_that_look_different_do_not_become_equal(kind, low, top, highlight):
    made = []
    for shape in (RAMP, WAVES):
        values = (low + (top - low) * shape).astype(kind)
        values[10:12, 10:12] = highlight
        made.append(pixels(encoded(Image.fromarray(values), "TIFF")).astype(int))
    assert np.mean((made[0] - made[1]) ** 2) > 500
    assert all(np.ptp(one) > 60 for one in made)


@pytest.mark.parametrize("value", [0.0, 5.0, -5.0, np.nan, np.inf])
def test_a_deep_picture_of_one_value_is_a_picture(value):
    assert np.ptp(pixels(encoded(Image.fromarray(np.full((8, 8), value, np.float32)), "TIFF"))) == 0


def test_pfm_pictures_that_look_different_do_not_become_equal():
    made = [pixels(encoded(Image.fromarray(shape.astype(np.float32)), "PPM")).astype(int) for shape in (RAMP, WAVES)]
    assert np.mean((made[0] - made[1]) ** 2) > 500


def test_a_large_deep_picture_with_a_hot_pixel_has_one_white_however_it_is_turned():
    values = np.random.default_rng(1).normal(1000, 200, (1100, 1300)).astype(np.float32)
    values[5, 7] = 1e9
    upright, turned = (make(encoded(Image.fromarray(one), "TIFF"), 50).tensor for one in (values, np.rot90(values)))
    assert np.array_equal(turned, np.rot90(upright))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_deep_grey_is_scaled_by_the_range_that_it_uses_in_every_format(kind):
    for top, white in ((900, 1023), (3000, 4095), (6553, 16383), (40_000, 65535)):
        grey = np.full((8, 8), top, np.uint16)
        assert {round(255 * top / white)} == set(pixels(encoded(Image.fromarray(grey), kind)).ravel().tolist())


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_eight_bits_in_sixteen_are_what_they_were_however_dark(kind):
    for brightest in (3, 25, 60, 255):
        dark = np.asarray(photo(2).convert("L")).astype(np.uint16) % (brightest + 1)
        assert np.array_equal(pixels(encoded(Image.fromarray(dark * 257), kind))[..., 0], dark)


def test_photos_of_ten_bits_stay_different_and_near_their_eight_bits():
    made = []
    for number in range(4):
        grey = photo(number).convert("L")
        deep = np.asarray(grey).astype(np.uint16) * 4
        made.append(make(encoded(Image.fromarray(deep), "PNG"), 50).tensor.astype(int))
        assert np.mean((made[-1] - make(encoded(grey, "PNG"), 50).tensor) ** 2) < 2
    assert min(np.mean((a - b) ** 2) for a, b in itertools.combinations(made, 2)) > 100


def test_the_transparent_level_of_deep_grey_is_laid_on_white():
    deep = np.full((8, 8), 30_000, np.uint16)
    deep[:4] = 500
    shown = pixels(encoded(Image.fromarray(deep), "PNG", transparency=500))
    assert (shown[:4] == 255).all()
    assert (shown[4:] == 117).all()


def test_cmyk_grey_and_palette_become_rgb():
    for mode in ("CMYK", "L", "1", "YCbCr"):
        kind = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
        assert decode(encoded(photo(2).convert(mode), kind)).image.mode == "RGB"


def test_only_the_first_frame_counts():
    frames = [photo(number) for number in range(3)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.array_equal(pixels(data), pixels(encoded(frames[0], "GIF")))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"this is not a picture\n" * 9, "not those of any image format"),
        (bytes(5000), "only zeros"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x09\0\0\0\x09\x08\x02\0\0\0\xff\xff\xff\xff", "damaged|not those"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(data, words):
    with pytest.raises(DecodeError, match=words):
        decode(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_a_file_that_is_cut_off_is_refused(kind):
    data = encoded(photo(5, 200, 150), kind)
    for part in (0.3, 0.6, 0.9):
        with pytest.raises(DecodeError):
            decode(data[: int(len(data) * part)])


def test_a_huge_picture_is_refused_by_its_header_before_a_pixel_is_read():
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    with pytest.raises(DecodeError, match="more than the limit of 250000000"):
        decode(bomb)
    assert decode(encoded(photo(1, 20, 10), "PNG"), max_pixels=200).width == 20
    with pytest.raises(DecodeError, match="more than the limit of 199"):
        decode(encoded(photo(1, 20, 10), "PNG"), max_pixels=199)


def test_a_warning_about_an_odd_tag_does_not_make_a_good_picture_unreadable():
    good = encoded(photo(1), "TIFF")
    odd = encoded(photo(1), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x02garbage")
    assert decode(good).width == decode(odd).width == 60


@given(data=st.data())
def test_damaged_files_give_a_picture_or_a_reason_and_nothing_else(data):
    whole = bytearray(encoded(photo(7, 40, 30), data.draw(st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "TIFF"]))))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=8)):
        whole[place] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(whole), max_pixels=1_000_000)
    except DecodeError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("name", "is_image"),
    [(b"a.jpg", True), (b"A.JPEG", True), (b"x.tar.png", True), (b"jpg", False), (b"a.txt", False), (b".jpg", False)],
)
def test_names_of_pictures_are_known_in_any_case(name, is_image):
    assert is_image_name(b"/some/folder/" + name) == is_image


@pytest.mark.parametrize("orientation", range(1, 9))
def test_under_fast_a_jpeg_is_reduced_first_and_the_size_is_that_of_the_full_upright_picture(orientation):
    picture = photo(3, 1300, 1000)
    exif = Image.Exif()
    exif[0x0112] = orientation
    jpeg, png = encoded(picture, "JPEG", exif=exif, quality=95), encoded(picture, "PNG", exif=exif)
    fast, exact = make(jpeg, 50, "fast"), make(jpeg, 50)
    assert (fast.width, fast.height) == (exact.width, exact.height) == ((1300, 1000), (1000, 1300))[orientation > 4]
    full = make(png, 50, "fast").tensor
    assert 0 < np.square(fast.tensor.astype(int) - full).mean() < 1, "made smaller, and hardly otherwise"
    assert (full == tensor(decode(png).image, 50, Image.Resampling.HAMMING)).all(), "a PNG is not reduced"


def test_under_fast_a_small_jpeg_is_not_reduced():
    small = encoded(photo(3, 799, 700), "JPEG")
    assert (make(small, 50, "fast").tensor == tensor(decode(small).image, 50, Image.Resampling.HAMMING)).all()


def test_under_fast_the_limit_counts_the_full_picture():
    with pytest.raises(DecodeError, match="1300 x 1000 pixels"):
        make(encoded(photo(3, 1300, 1000), "JPEG"), 50, "fast", 1_000_000)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\xff\x0a\xfa\x1f", "JPEG XL needs a decoder that is not installed"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", r"pip install 'difwatch\[jxl\]'"),
    ],
)
def test_a_picture_that_an_extra_would_decode_says_which(head, words):
    if importlib.util.find_spec("pillow_jxl"):
        pytest.skip("an extra decoder is installed here")
    with pytest.raises(DecodeError, match=words):
        decode(head + bytes(100))


@pytest.mark.parametrize("options", [{}, {"optimize": True, "subsampling": 2}])
@pytest.mark.parametrize("recipe", ["exact", "fast"])
def test_a_jpeg_that_lacks_only_its_end_mark_is_the_same_picture(options, recipe):
    whole = encoded(photo(4, 900, 700), "JPEG", **options)
    for lacks in (whole[:-2], whole[:-1], whole[:-2] + b"\0" * 9):
        assert np.array_equal(make(lacks, 50, recipe).tensor, make(whole, 50, recipe).tensor)


@given(st.floats(0.3, 0.995))
def test_a_jpeg_that_lacks_pixels_is_refused(share):
    noise = np.random.default_rng(1).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), "JPEG")
    with pytest.raises(DecodeError):
        decode(whole[: int(share * len(whole))])


def test_heic_is_a_picture_out_of_the_box(corpus):
    made = make((corpus / "bad/heif/images__heif__RGB_12__128x128.heif").read_bytes(), 20)
    assert (made.width, made.height, made.frames) == (128, 128, 1)


def test_broken_heic_is_refused_in_words():
    with pytest.raises(DecodeError, match=r"damaged|not those"):
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))


def test_a_progressive_jpeg_that_is_cut_is_refused_wherever_it_is_cut():
    """It may lack whole scans, and then no pixel says so."""
    whole = encoded(photo(4, 300, 200), "JPEG", progressive=True, quality=90)
    for length in range(len(whole) // 10, len(whole) - 1, 97):
        with pytest.raises(DecodeError):
            decode(whole[:length])


def test_avif_under_a_general_brand_is_a_picture():
    data = bytearray(encoded(photo(2), "AVIF"))
    data[8:12] = b"mif1"
    assert (decode(bytes(data)).width, decode(bytes(data)).height) == (60, 40)


def test_a_decoder_that_cannot_be_imported_is_one_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    with pytest.raises(DecodeError, match="JPEG XL needs a decoder"):
        decode(b"\xff\x0a" + bytes(100))
