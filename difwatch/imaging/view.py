"""A picture as a JPEG to look at: upright, in the colours of sRGB, in any orientation, without its metadata."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from difwatch.compare.orientation import oriented
from difwatch.imaging.broken import BROKEN
from difwatch.imaging.decode import DecodeError, decode

_QUALITY = 85
_GAP = 2.0  # the decoder may reduce a picture to twice what is wanted


def view(data: bytes, side: int, orientation: int, max_pixels: int, is_raw: bool = False) -> bytes:
    """Decode a file and encode it anew.

    Parameters
    ----------
    data
        Bytes of the file.
    side
        Largest side of the result in pixels; a smaller picture is not enlarged.
    orientation
        The orientation of `difwatch.compare.orientation` that is shown.
    max_pixels
        Larger pictures are refused.
    is_raw
        Whether it is a raw file by its name.

    Returns
    -------
    bytes
        A JPEG.

    Raises
    ------
    DecodeError
        Says what is wrong with the file.
    """
    picture = decode(data, max_pixels, side, is_raw)
    try:
        image = picture.image
        image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=_GAP)
        values = np.asarray(image)
        if picture.conversion is not None:
            values = picture.conversion.mix(values)
        out = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(oriented(values, orientation))).save(out, "JPEG", quality=_QUALITY)
        return out.getvalue()
    except BROKEN as error:
        raise DecodeError(f"the picture cannot be shown: {error}") from error
