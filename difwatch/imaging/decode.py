"""From bytes to the upright RGB picture that a viewer shows."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from difwatch.imaging import raw
from difwatch.imaging.broken import BROKEN
from difwatch.imaging.colour import Conversion, icc_conversion
from difwatch.imaging.deep import eight_bits, is_deep
from difwatch.imaging.facts import bits_of, facts_of
from difwatch.imaging.frames import frame_count
from difwatch.imaging.jpeg_end import completed
from difwatch.imaging.plugins import plugin_for
from difwatch.imaging.png import png_conversion
from difwatch.model.pictures import RAW, UNKNOWN, Facts

# WMF and EPS hand the file to another program; BUFR, GRIB, HDF5 and MPEG are only recognised, not read.
_REFUSED = frozenset({"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"})

Image.init()
_COMMON = ("JPEG", "PNG", "WEBP", "GIF", "TIFF")  # first, because each format is tried in turn
FORMATS = (*_COMMON, *sorted(set(Image.OPEN) - _REFUSED - set(_COMMON)))
"""The formats that are opened, whatever the name of the file; others by `difwatch.imaging.plugins`."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_QUARTERS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}

_SAME_SIDES = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM)

_TOO_SHORT = re.compile(r"image file is truncated( \(\d+ bytes not processed\))?")


class DecodeError(Exception):
    """These bytes cannot be decoded; the text says why in plain words."""


class _IsRawError(Exception):
    """What looks like a TIFF is the raw file of a camera."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An upright picture.

    Parameters
    ----------
    image
        Mode RGB, turned as its EXIF orientation says.
    width, height
        Size of the upright picture in pixels, even where ``image`` was reduced.
    conversion
        What remains to be done to have the colours of sRGB, once the picture is shrunk; None if nothing.
    frames
        How many frames the file has; the picture is the first.
    facts
        What the file says about the picture.
    """

    image: Image.Image
    width: int
    height: int
    conversion: Conversion | None = None
    frames: int = 1
    facts: Facts = UNKNOWN


def decode(data: bytes, max_pixels: int = 250_000_000, least: int | None = None, is_raw: bool = False) -> Picture:
    """Decode the first frame as a viewer shows it.

    The size in the header is checked before any pixel is decoded. Channels of 16 bits, 32 bits and
    floats are scaled to 8 bits, not clipped. Transparency is laid on white. The EXIF orientation is applied.
    A JPEG that lacks only its end mark is read. Of a raw file the largest preview is shown, if the extra ``raw`` is
    installed; its width and height are those of the raw picture, and its format is `difwatch.model.pictures.RAW`.

    Parameters
    ----------
    data
        The bytes of the file.
    max_pixels
        Larger pictures (width x height) are refused.
    least
        Allow the decoder to reduce the picture by 2, 4 or 8 (JPEG only), leaving at least this many pixels on the
        short side.
    is_raw
        Whether it is a raw file by its name; many are recognised without.

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
            if is_raw or raw.is_raw(data):
                return _raw(data, max_pixels, least)
            try:
                return _whole(data, max_pixels, least)
            except _IsRawError:
                return _raw(data, max_pixels, least)
    except raw.RawError as error:
        raise DecodeError(str(error)) from error
    except UnidentifiedImageError:
        _refuse_unidentified(data)
    except Image.DecompressionBombError:
        raise DecodeError(f"the picture has far more than the limit of {max_pixels} pixels") from None
    except MemoryError:
        raise DecodeError("the picture needs more memory than a worker may use") from None
    except BROKEN as error:
        detail = _TOO_SHORT.sub("it ends too early", str(error).strip()) or type(error).__name__
        raise DecodeError(f"the picture is damaged or cut off: {detail}") from error


def _raw(data: bytes, max_pixels: int, least: int | None) -> Picture:
    found = raw.preview(data)
    _check_size(found.width, found.height, max_pixels)
    if isinstance(found.content, bytes):
        shown = _decode(found.content, max_pixels, least)
        image, is_upright = shown.image, shown.facts.orientation != 1
    else:
        image, is_upright = Image.fromarray(found.content).convert("RGB"), False
        shown = Picture(image, *image.size)
    if found.turns and not is_upright:
        image = image.transpose(_QUARTERS[found.turns])
    size = (found.height, found.width) if found.turns % 2 else (found.width, found.height)
    return Picture(image, *size, shown.conversion, facts=replace(shown.facts, format=RAW, quality=None))


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise DecodeError(f"the picture has {width} x {height} pixels, more than the limit of {max_pixels}")


def _whole(data: bytes, max_pixels: int, least: int | None) -> Picture:
    try:
        return _decode(data, max_pixels, least)
    except OSError:
        whole = completed(data, lambda some: _decode(some, max_pixels, least).image.tobytes())
        if whole is None:
            raise
        return _decode(whole, max_pixels, least)


def _decode(data: bytes, max_pixels: int, least: int | None) -> Picture:
    # Pillow's limit is a module global: above it Pillow warns, above twice the limit it fails. Our limit is exact
    # and is checked below, before the pixels are read.
    Image.MAX_IMAGE_PIXELS = max_pixels
    plugin = plugin_for(data)
    formats = (plugin.format, *FORMATS) if plugin is not None and plugin.load() else FORMATS
    with Image.open(io.BytesIO(data), formats=formats) as opened:
        _check_size(*opened.size, max_pixels)
        if isinstance(opened, TiffImagePlugin.TiffImageFile) and raw.is_raw_tiff(opened):
            raise _IsRawError
        frames = frame_count(opened, data)
        full = opened.size
        if least is not None:
            opened.draft(None, (least, least))
        reduced, bits = opened.size != full, bits_of(opened)
        opened.load()
        exif = _exif(opened)
        facts = facts_of(opened, exif, bits)
        upright = _UPRIGHT.get(facts.orientation)
        image, conversion = _with_colours(opened, data)
    if upright is not None:
        image = image.transpose(upright)
    if not reduced:
        return Picture(image, image.width, image.height, conversion, frames, facts)
    turned = upright is not None and upright not in _SAME_SIDES
    return Picture(image, *(full[::-1] if turned else full), conversion, frames, facts)


def _with_colours(opened: Image.Image, data: bytes) -> tuple[Image.Image, Conversion | None]:
    """Return a loaded picture in 8 bits without transparency, and what its numbers need once it is shrunk."""
    profile = opened.info.get("icc_profile")
    if opened.format == "PNG":
        conversion = png_conversion(opened.info, data)
    else:
        conversion = icc_conversion(profile) if isinstance(profile, bytes) and profile else None
    is_grey = is_deep(opened) or opened.mode in ("1", "L", "LA", "La")
    mode = "L" if is_grey else "CMYK" if opened.mode == "CMYK" else "RGB"
    if conversion is None or not _fits(conversion, mode, opened.format):
        return _rgb(opened), None
    return conversion.bend(opened if mode == "CMYK" else _rgb(opened)), conversion


def _fits(conversion: Conversion, mode: str, kind: str | None) -> bool:
    """Tell whether a conversion is for such a picture. What a PNG names by itself also bends its grey."""
    bends_only = conversion.mode == "RGB" and conversion.matrix is None and conversion.transform is None
    return conversion.mode == mode or (kind == "PNG" and mode == "L" and bends_only)


def _exif(image: Image.Image) -> Mapping[int, Any]:
    # Read after loading: by then Pillow has turned a TIFF itself and removed the tag.
    try:
        return image.getexif()
    except BROKEN:
        return {}  # a broken EXIF block: viewers show such a file as stored


def _rgb(image: Image.Image) -> Image.Image:
    if is_deep(image):
        image = eight_bits(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _refuse_unidentified(data: bytes) -> NoReturn:
    head = data[:64]
    if head.startswith((b"%!PS", b"\xc5\xd0\xd3\xc6")):
        raise DecodeError("PostScript (EPS) is not opened, because reading it would run another program")
    if head.startswith((b"\xd7\xcd\xc6\x9a", b"\x01\x00\x00\x00")) and (head[:4] != b"\x01\0\0\0" or b" EMF" in head):
        raise DecodeError("WMF and EMF are not opened, because reading them would run another program")
    if (plugin := plugin_for(data)) is not None and not plugin.load():
        raise DecodeError(f"{plugin.title} needs a decoder that is not installed: pip install '{plugin.package}'")
    if not data.strip(b"\0"):
        raise DecodeError("the file holds only zeros")
    raise DecodeError("the contents are not those of any image format that difwatch reads")
