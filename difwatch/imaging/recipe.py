"""The recipe: how the bytes of a file become a tensor.

Two recipes make two kinds of tensors, which are never compared: ``exact`` shrinks the full picture by the bicubic
filter, as difPy does. ``fast`` lets the decoder of a JPEG reduce it first, and shrinks by Hamming's filter, which
looks at half as many pixels and keeps copies as near to each other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from difwatch.imaging.broken import BROKEN
from difwatch.imaging.decode import DecodeError, Picture, decode
from difwatch.imaging.edges import inside_edges
from difwatch.imaging.tensor import Filter, tensor
from difwatch.model.pictures import UNKNOWN, Facts

_FAST_SIDE = 8  # under "fast", the least short side of a reduced picture, in sides of the tensor
_MAX_PIXELS = 250_000_000


class Made(NamedTuple):
    """What a file became: the size of the upright picture, its tensor (px, px, 3), and the number of frames.

    ``inside`` is the tensor of what is inside the uniform edges of the picture, None where it has none.
    """

    width: int
    height: int
    tensor: NDArray[np.uint8]
    frames: int = 1
    inside: NDArray[np.uint8] | None = None
    facts: Facts = UNKNOWN


def make(data: bytes, px: int, name: str = "exact", max_pixels: int = _MAX_PIXELS, is_raw: bool = False) -> Made:
    """Make the tensor of a file.

    Parameters
    ----------
    data
        Bytes of the file.
    px
        Side of the tensor.
    name
        The recipe. Under ``fast`` the decoder first reduces a JPEG, leaving at least eight times ``px`` on the short
        side.
    max_pixels
        Larger pictures are refused.
    is_raw
        Whether it is a raw file by its name; many are recognised without.

    Raises
    ------
    DecodeError
        Says what is wrong with the file.
    """
    is_fast = name == "fast"
    by = Filter.HAMMING if is_fast else Filter.BICUBIC
    picture = decode(data, max_pixels, _FAST_SIDE * px if is_fast else None, is_raw)
    try:
        box = inside_edges(picture.image)
        whole = _in_srgb(picture, picture.image, px, by)
        inside = None if box is None else _in_srgb(picture, picture.image.crop(box), px, by)
        return Made(picture.width, picture.height, whole, picture.frames, inside, picture.facts)
    except BROKEN as error:
        raise DecodeError(f"the picture cannot be shrunk: {error}") from error


def _in_srgb(picture: Picture, image: Image.Image, px: int, by: Filter) -> NDArray[np.uint8]:
    shrunk = tensor(image, px, by)
    return shrunk if picture.conversion is None else picture.conversion.mix(shrunk)
