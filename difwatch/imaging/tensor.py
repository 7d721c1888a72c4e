"""Picture to tensor, so that turning or mirroring the picture turns or mirrors the tensor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from difwatch.digest import digest_of

_BICUBIC = Image.Resampling.BICUBIC


def tensor(image: Image.Image, px: int) -> NDArray[np.uint8]:
    """Shrink (or stretch) a picture to ``px`` by ``px``.

    Pillow resizes in two passes and rounds to 8 bits between them, so the order of the passes shows in
    the result. Here the longer side goes first, and a square takes the mean of both orders, rounded up:
    each rule turns into itself when the picture is turned, so ``tensor(turn(p)) == turn(tensor(p))``,
    exactly. For wide pictures this is what ``Image.resize`` and difPy give, bit for bit.

    Parameters
    ----------
    image
        Upright, mode RGB.
    px
        Side of the tensor, 10 to 5000.

    Returns
    -------
    ndarray of uint8, shape (px, px, 3)
    """
    width, height = image.size
    if width > height:
        return _width_first(image, px)
    if height > width:
        return _height_first(image, px)
    one = _width_first(image, px).astype(np.uint16)
    return ((one + _height_first(image, px) + 1) // 2).astype(np.uint8)


def _width_first(image: Image.Image, px: int) -> NDArray[np.uint8]:
    return np.asarray(image.resize((px, image.height), _BICUBIC).resize((px, px), _BICUBIC))


def _height_first(image: Image.Image, px: int) -> NDArray[np.uint8]:
    return np.asarray(image.resize((image.width, px), _BICUBIC).resize((px, px), _BICUBIC))


def tensor_digest(values: NDArray[np.uint8]) -> bytes:
    """Digest of a tensor: equal tensors, and only those, have equal ones (BLAKE2b, 32 bytes)."""
    return digest_of(np.ascontiguousarray(values).tobytes())
