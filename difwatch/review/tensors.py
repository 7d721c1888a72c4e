"""What was compared of a picture, as a PNG of the very values."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import Connection

from difwatch.compare.orientation import oriented
from difwatch.store.contents import StorePixels


def png(tensor: NDArray[np.uint8], orientation: int) -> bytes:
    """Draw a tensor of shape (px, px, 3) in an orientation."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(oriented(tensor, orientation))).save(out, "PNG")
    return out.getvalue()


def tensor_of(connection: Connection, tensor: int, px: int) -> NDArray[np.uint8]:
    """Return a tensor of the store, shape (px, px, 3)."""
    return StorePixels(connection).tensors(np.array([tensor])).reshape(px, px, 3)
