"""What a file says about its picture: format, camera, when it was taken. Read in the pass that decodes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags, Image

from difwatch.imaging.broken import BROKEN
from difwatch.model.pictures import Facts

_BITS = {"1": 1, "I;16": 16, "I;16L": 16, "I;16B": 16, "I;16N": 16, "I": 32, "F": 32}
_MOMENT = re.compile(r"(\d{4}):(\d\d):(\d\d)[ T](\d\d):(\d\d):(\d\d)")
_FRACTION = re.compile(r"\d{1,9}")
_OFFSET = re.compile(r"[+-]\d\d:\d\d")
_LONGEST = 100  # characters of a name

# The table of the JPEG standard for brightness (Annex K.1), whose sum encoders scale by quality.
_STANDARD_SUM = 3688


def facts_of(opened: Image.Image, exif: Mapping[int, Any]) -> Facts:
    """Return the facts of an opened file; what is broken or missing is unknown.

    Parameters
    ----------
    opened
        Not converted or turned yet.
    exif
        Its EXIF tags: `PIL.Image.Exif`, or an empty mapping.
    """
    details, place = _directory(exif, ExifTags.IFD.Exif), _directory(exif, ExifTags.IFD.GPSInfo)
    orientation = exif.get(ExifTags.Base.Orientation, 1)
    return Facts(
        format=opened.format or "",
        bits=_BITS.get(opened.mode, 8),
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
    taken = details.get(ExifTags.Base.DateTimeOriginal) or details.get(ExifTags.Base.DateTimeDigitized)
    found = _MOMENT.fullmatch(_text(taken) or "")
    if found is None or found[1] == "0000":
        return None
    year, month, day, hour, minute, second = found.groups()
    fraction = _FRACTION.fullmatch(_text(details.get(ExifTags.Base.SubsecTimeOriginal)) or "")
    offset = _OFFSET.fullmatch(_text(details.get(ExifTags.Base.OffsetTimeOriginal)) or "")
    moment = f"{year}-{month}-{day}T{hour}:{minute}:{second}"
    return f"{moment}{f'.{fraction[0]}' if fraction else ''}{offset[0] if offset else ''}"


def _quality(tables: object) -> int | None:
    """Return about the quality that a JPEG was saved with, 1 to 100, if the encoder was a usual one."""
    if not isinstance(tables, dict) or not isinstance(tables.get(0), list | tuple):
        return None
    scale = 100 * sum(tables[0]) / _STANDARD_SUM
    quality = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return min(100, max(1, round(quality)))
