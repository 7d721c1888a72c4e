"""What a file says about its picture: format, camera, when it was taken. Read in the pass that decodes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image

from difwatch.imaging.broken import BROKEN
from difwatch.model.pictures import Facts

_BITS = {"1": 1, "I;16": 16, "I;16L": 16, "I;16B": 16, "I;16N": 16, "I": 32, "F": 32}
_MOMENT = re.compile(r"(\d{4}):(\d\d):(\d\d)[ T](\d\d):(\d\d):(\d\d)")
_FRACTION = re.compile(r"\d{1,9}")
_OFFSET = re.compile(r"[+-]\d\d:\d\d")
_TAG = ExifTags.Base
_MOMENTS = (
    (_TAG.DateTimeOriginal, _TAG.SubsecTimeOriginal, _TAG.OffsetTimeOriginal),
    (_TAG.DateTimeDigitized, _TAG.SubsecTimeDigitized, _TAG.OffsetTimeDigitized),
)
_FIRST_PHOTOGRAPH = 1826  # by Nicéphore Niépce
_LONGEST = 100  # characters of a name

# The table of the JPEG standard for brightness (Annex K.1), whose sum encoders scale by quality.
_STANDARD_SUM = 3688


def bits_of(opened: Image.Image) -> int:
    """Return the bits of a channel in an opened file that is not loaded yet, 8 where the decoder does not tell."""
    in_file = str([args for _, _, _, args in getattr(opened, "tile", [])])
    return 16 if ";16" in in_file else _BITS.get(opened.mode, 8)


def facts_of(opened: Image.Image, exif: Mapping[int, Any], bits: int) -> Facts:
    """Return the facts of an opened file; what is broken or missing is unknown.

    Parameters
    ----------
    opened
        Not converted or turned yet.
    exif
        Its EXIF tags: `PIL.Image.Exif`, or an empty mapping.
    bits
        As `bits_of` returned them before it was loaded.
    """
    details, place = _directory(exif, ExifTags.IFD.Exif), _directory(exif, ExifTags.IFD.GPSInfo)
    orientation = exif.get(ExifTags.Base.Orientation, 1)
    return Facts(
        format=opened.format or "",
        bits=bits,
        camera=_camera(exif),
        lens=_text(details.get(ExifTags.Base.LensModel)),
        taken=_moment(details),
        has_place=ExifTags.GPS.GPSLatitude in place and ExifTags.GPS.GPSLongitude in place,
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        quality=_quality(getattr(opened, "quantization", None)),
    )


def _directory(exif: Mapping[int, Any], tag: int) -> Mapping[int, Any]:
    try:
        return exif.get_ifd(tag) if isinstance(exif, Image.Exif) else {}
    except BROKEN:
        return {}


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    text = value.replace("\0", " ").strip()
    return text[:_LONGEST].encode("utf-8", "replace").decode() or None


def _camera(exif: Mapping[int, Any]) -> str | None:
    make, model = _text(exif.get(ExifTags.Base.Make)), _text(exif.get(ExifTags.Base.Model))
    if make and model and model.casefold().startswith(make.split()[0].casefold()):
        return model
    return " ".join(part for part in (make, model) if part) or None


def _moment(details: Mapping[int, Any]) -> str | None:
    """Return when the picture was taken, ISO 8601, with the fraction and the offset from UTC that are known."""
    return next(filter(None, (_read_moment(*(details.get(tag) for tag in tags)) for tags in _MOMENTS)), None)


def _read_moment(moment: object, fraction: object, offset: object) -> str | None:
    found = _MOMENT.fullmatch(_text(moment) or "")
    if found is None:
        return None
    whole = "{}-{}-{}T{}:{}:{}".format(*found.groups())
    digits, zone = _FRACTION.fullmatch(_text(fraction) or ""), _OFFSET.fullmatch(_text(offset) or "")
    part = f".{digits[0]}" if digits else ""
    return next((whole + part + end for end in (zone[0] if zone else "", "") if _is_moment(whole + end)), None)


def _is_moment(text: str) -> bool:
    """Tell whether this is a moment at which a picture can have been taken, not a default such as the year 1."""
    try:
        return datetime.fromisoformat(text).year >= _FIRST_PHOTOGRAPH
    except ValueError:
        return False


def _quality(tables: object) -> int | None:
    """Return about the quality that a JPEG was saved with, 1 to 100, if the encoder was a usual one."""
    if not isinstance(tables, dict) or not isinstance(tables.get(0), list | tuple):
        return None
    scale = 100 * sum(tables[0]) / _STANDARD_SUM
    quality = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return min(100, max(1, round(quality)))
