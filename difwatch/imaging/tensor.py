"""From picture to tensor, such that turning or mirroring the picture turns or mirrors the tensor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Filter = Image.Resampling


def tensor(image: Image.Image, px: int, by: Filter = Filter.BICUBIC) -> NDArray[np.uint8]:
    """Shrink (or stretch) a picture to ``px`` by ``px``.

    Pillow resizes in two passes and rounds to 8 bits between them, so the order of the passes affects the
    result. Here the longer side goes first, and a square becomes the mean of both orders, rounded up. Turning
    the picture leaves these rules unchanged, so ``tensor(turn(p)) == turn(tensor(p))``, exactly. For wide
    pictures the bicubic result equals that of ``Image.resize`` and difPy, bit for bit.

    Parameters
    ----------
    image
        Upright, of a mode of 8 bits a channel.
    px
        Side of the tensor, 10 to 5000.
    by
        How pixels are weighed.

    Returns
    -------
    ndarray of uint8, shape (px, px, number of channels)
    """
    width, height = image.size
    if width > height:
        return _width_first(image, px, by)
    if height > width:
        return _height_first(image, px, by)
    wide = _width_first(image, px, by).astype(np.uint16)
    return ((wide + _height_first(image, px, by) + 1) // 2).astype(np.uint8)


def _width_first(image: Image.Image, px: int, by: Filter) -> NDArray[np.uint8]:
    return np.asarray(image.resize((px, image.height), by).resize((px, px), by))


def _height_first(image: Image.Image, px: int, by: Filter) -> NDArray[np.uint8]:
    return np.asarray(image.resize((image.width, px), by).resize((px, px), by))
