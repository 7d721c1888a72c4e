"""What a PNG says about its colours, in the order in which a viewer believes it: cICP, iCCP, sRGB, gAMA with cHRM."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from difwatch.imaging.colour import Conversion, icc_conversion, named_conversion
from difwatch.imaging.transfer import PRIMARIES, TRANSFERS

_SIGNATURE = 8
_USUAL_GAMMA = 1 / 2.2
_AS_USUAL = 0.05  # such an exponent is meant to be that of sRGB, as in libpng


def png_conversion(info: Mapping[Any, Any], data: bytes) -> Conversion | None:
    """Return how the colours of a PNG become sRGB; None if they are.

    ``info`` is what Pillow knows of the file, ``data`` its bytes.
    """
    code = _cicp(data)
    if code is not None and code[0] in PRIMARIES and code[1] in TRANSFERS:
        return named_conversion(PRIMARIES[code[0]], TRANSFERS[code[1]])
    if info.get("icc_profile"):
        return icc_conversion(info["icc_profile"])
    gamma = info.get("gamma")
    if "srgb" in info or not gamma:
        return None
    exponent = 1 / gamma
    usual = abs(gamma / _USUAL_GAMMA - 1) < _AS_USUAL
    return named_conversion(tuple(info.get("chromaticity", PRIMARIES[1])), "srgb" if usual else exponent)


def _cicp(data: bytes) -> tuple[int, int] | None:
    """Return the numbers of the primaries and of the transfer function, from a cICP chunk before the pixels."""
    at = _SIGNATURE
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IDAT":
            return None
        if kind == b"cICP" and length == 4:
            primaries, transfer, matrix, full_range = data[at + 8 : at + 12]
            return (primaries, transfer) if (matrix, full_range) == (0, 1) else None
        at += 12 + length
    return None
