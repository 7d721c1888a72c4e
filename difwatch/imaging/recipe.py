"""The name of what was done to a picture, with the proof that this machine does the same.

A new release of a decoder may move a pixel by one level. The golden pictures are small files of the kinds
where this has happened before (a tall one, since Pillow 13 changed the order of its passes there, JPEG
with subsampled colour and in progressive order, PNG with palette and with alpha, WebP). The digest of
their tensors is part of the recipe, so that tensors made by a different decoder are made anew, not mixed.

``fast`` is a recipe of its own, with its own fingerprint: its tensors are made anew when it is chosen, and are never
compared with those of ``exact``.
"""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from difwatch.imaging.decode import decode
from difwatch.imaging.tensor import tensor
from difwatch.model.settings import Recipe

_VERSION = 2
_FAST_SIDE = 8  # times the side of the tensor that a short side keeps under "fast"
_MAX_PIXELS = 250_000_000


class Made(NamedTuple):
    """What becomes of a file: the size of the upright picture, and its tensor (px, px, 3)."""

    width: int
    height: int
    tensor: NDArray[np.uint8]


def make(data: bytes, px: int, name: str = "exact", max_pixels: int = _MAX_PIXELS) -> Made:
    """Make the tensor of a file.

    Parameters
    ----------
    data
        Its bytes.
    px
        Side of the tensor.
    name
        Of the recipe. ``exact`` shrinks the full picture; under ``fast`` a JPEG is made smaller by its decoder first,
        so far that its short side keeps eight times ``px``.
    max_pixels
        Larger pictures are refused.

    Raises
    ------
    DecodeError
        Naming what is wrong with the file.
    """
    picture = decode(data, max_pixels, _FAST_SIDE * px if name == "fast" else None)
    return Made(picture.width, picture.height, tensor(picture.image, px))


def named_recipe(name: str, px: int) -> Recipe:
    """A recipe at a size, fingerprinted on the golden pictures (10 ms for ``exact``, 30 ms for ``fast``)."""
    return Recipe(name, px, _VERSION, _fingerprint(name, px))


def _fingerprint(name: str, px: int) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    folders = ("golden", "golden_fast") if name == "fast" else ("golden",)
    for folder in folders:
        for entry in sorted((resources.files("difwatch.imaging") / folder).iterdir(), key=lambda item: item.name):
            digest.update(make(entry.read_bytes(), px, name).tensor.tobytes())
    return digest.digest()
