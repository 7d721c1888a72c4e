"""From bytes to the upright RGB picture that a viewer shows."""

from __future__ import annotations

import importlib
import importlib.util
import io
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

# WMF and EPS hand the file to another program; BUFR, GRIB, HDF5 and MPEG are only recognised, not read.
_REFUSED = frozenset({"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"})

# Decoders that the extras of difwatch install beside Pillow.
for _plugin, _register in (("pillow_heif", "register_heif_opener"), ("pillow_jxl", None)):
    if importlib.util.find_spec(_plugin) is not None:
        _module = importlib.import_module(_plugin)
        if _register is not None:
            getattr(_module, _register)()

Image.init()
_COMMON = ("JPEG", "PNG", "WEBP", "GIF", "TIFF")  # first, because each format is tried in turn
FORMATS = (*_COMMON, *sorted(set(Image.OPEN) - _REFUSED - set(_COMMON)))
"""The formats that are opened, whatever the name of the file."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_SAME_SIDES = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM)

# What the plugins of Pillow raise on broken files.
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError, AttributeError,
           OverflowError, ZeroDivisionError, RuntimeError, AssertionError, struct.error, zlib.error)  # fmt: skip


_AT_ONCE = 1 << 20  # values of a deep picture that are scaled at a time
_FAR_BRIGHTER = 4  # times as bright as 99 % of the points

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
# Signatures of files that an extra decodes; checked when no installed decoder recognises the file.
_EXTRAS: tuple[tuple[Callable[[bytes], bool], str, str], ...] = (
    (lambda head: head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS, "HEIC", "heic"),
    (lambda head: head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")), "JPEG XL", "jxl"),
)


class DecodeError(Exception):
    """These bytes cannot be decoded; the text says why in plain words."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An upright picture.

    Parameters
    ----------
    image
        Mode RGB, 8 bits a channel, turned as its EXIF orientation says.
    width, height
        Size of the upright picture in pixels, even where ``image`` was reduced.
    """

    image: Image.Image
    width: int
    height: int


def decode(data: bytes, max_pixels: int = 250_000_000, least: int | None = None) -> Picture:
    """Decode the first frame as a viewer shows it.

    The size in the header is checked before any pixel is decoded. Channels of 16 bits, 32 bits and
    floats are scaled to 8 bits, not clipped. Transparency is laid on white. The EXIF orientation is applied.

    Parameters
    ----------
    data
        The bytes of the file.
    max_pixels
        Larger pictures (width x height) are refused.
    least
        Allow the decoder to reduce the picture by 2, 4 or 8 (JPEG only), leaving at least this many pixels on the
        short side.

    Raises
    ------
    DecodeError
        Says what is wrong with the file.
    """
    if not data:
        raise DecodeError("the file is empty")
    try:
        # A warning about an odd tag says nothing about the pixels.
        with warnings.catch_warnings(action="ignore"):
            return _decode(data, max_pixels, least)
    except UnidentifiedImageError:
        _refuse_unidentified(data)
    except Image.DecompressionBombError:
        raise DecodeError(f"the picture has far more than the limit of {max_pixels} pixels") from None
    except MemoryError:
        raise DecodeError("the picture needs more memory than a worker may use") from None
    except _BROKEN as error:
        detail = str(error).strip() or type(error).__name__
        raise DecodeError(f"the picture is damaged or cut off: {detail}") from error


def _decode(data: bytes, max_pixels: int, least: int | None) -> Picture:
    # Pillow's limit is a module global: above it Pillow warns, above twice the limit it fails. Our limit is exact
    # and is checked below, before the pixels are read.
    Image.MAX_IMAGE_PIXELS = max_pixels
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        if opened.width * opened.height > max_pixels:
            raise DecodeError(
                f"the picture has {opened.width} x {opened.height} pixels, more than the limit of {max_pixels}"
            )
        full = opened.size
        if least is not None:
            opened.draft(None, (least, least))
        reduced = opened.size != full
        opened.load()
        upright = _UPRIGHT.get(_orientation(opened))
        image = _rgb(opened)
    if upright is not None:
        image = image.transpose(upright)
    if not reduced:
        return Picture(image, image.width, image.height)
    turned = upright is not None and upright not in _SAME_SIDES
    return Picture(image, *(full[::-1] if turned else full))


def _orientation(image: Image.Image) -> int:
    # Read after loading: by then Pillow has turned a TIFF itself and removed the tag.
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except _BROKEN:
        return 1  # a broken EXIF block: viewers show such a file as stored
    return value if isinstance(value, int) else 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("F", "I") or image.mode.startswith("I;"):
        image = _eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale a deep grey picture so that its range becomes 0...255."""
    deep = np.asarray(image)
    black, white = _range(deep, image)
    flat = np.empty(deep.shape, np.uint8)
    rows = max(1, _AT_ONCE // max(1, image.width))
    for start in range(0, image.height, rows):  # some rows at a time: as float64 they take much memory
        values = np.nan_to_num(deep[start : start + rows].astype(np.float64), nan=black, posinf=white, neginf=black)
        flat[start : start + rows] = np.rint((values - black) * (255.0 / (white - black))).clip(0, 255)
    return Image.fromarray(flat)


def _range(deep: NDArray[Any], image: Image.Image) -> tuple[float, float]:
    """Return the values of black and white."""
    if image.mode.startswith("I;16") or (image.format == "PPM" and image.mode == "I"):
        return 0.0, 65535.0
    # "I" and "F" do not define white. A usual range counts if the picture uses it, otherwise the picture's own range.
    # A few far brighter points (the sun, a hot pixel) must not make all others black.
    finite = deep[np.isfinite(deep)]
    if not finite.size:
        return 0.0, 1.0
    black = min(0.0, float(finite.min()))
    brightest = float(finite.max()) - black
    most = float(np.percentile(finite, 99)) - black
    if 0 < _FAR_BRIGHTER * most < brightest:
        brightest = most
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0, 2.0**31 - 1)
    white = next((scale for scale in usual if scale / 4 < brightest <= scale), brightest or 1.0)
    return black, black + white


def _refuse_unidentified(data: bytes) -> NoReturn:
    head = data[:64]
    if head.startswith((b"%!PS", b"\xc5\xd0\xd3\xc6")):
        raise DecodeError("PostScript (EPS) is not opened, because reading it would run another program")
    if head.startswith((b"\xd7\xcd\xc6\x9a", b"\x01\x00\x00\x00")) and (head[:4] != b"\x01\0\0\0" or b" EMF" in head):
        raise DecodeError("WMF and EMF are not opened, because reading them would run another program")
    for brand, name, extra in _EXTRAS:
        if brand(head):
            raise DecodeError(f"{name} needs a decoder that is not installed: pip install 'difwatch[{extra}]'")
    if not data.strip(b"\0"):
        raise DecodeError("the file holds only zeros")
    raise DecodeError("the contents are not those of any image format that difwatch reads")
