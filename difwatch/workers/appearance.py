"""What a picture looks like to difwatch: its tensor, and all that is computed from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.orientation import ALL, oriented
from difwatch.compare.tensor_sketch import tensor_sketches
from difwatch.compare.tone import tones
from difwatch.compare.tone_sketch import tone_sketches
from difwatch.digest import digest_of
from difwatch.model.pictures import Appearance


def appearance(tensor: NDArray[np.uint8], inside: NDArray[np.uint8] | None = None) -> Appearance:
    """Return what a picture looks like.

    Parameters
    ----------
    tensor : ndarray of uint8, shape (px, px, 3)
    inside : ndarray of uint8, shape (px, px, 3), or None
        The tensor of what is inside the uniform edges of the picture; that of a flat picture does not count.
    """
    data = tensor.tobytes()
    _, tone_sketch = _tone(tensor)
    inside_tone, inside_sketch = _tone(inside) if inside is not None and tone_sketch else (b"", b"")
    return Appearance(
        tensor=data,
        digest=digest_of(data + inside_tone),
        sketch=tensor_sketches(tensor[np.newaxis])[0].tobytes(),
        tone_sketch=tone_sketch,
        alike=b"" if tone_sketch else digest_of(min(oriented(tensor, number).tobytes() for number in ALL)),
        inside=inside_tone,
        inside_sketch=inside_sketch,
    )


def _tone(tensor: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """Return the tone of a tensor and its sketch, both empty where it is flat."""
    rows, (has_tone,) = tones(np.ascontiguousarray(tensor).reshape(1, -1))
    return (rows[0].tobytes(), tone_sketches(rows)[0].tobytes()) if has_tone else (b"", b"")
