"""Raw files of cameras: recognised by their bytes, and what the extra ``raw`` (rawpy) shows of them.

Many are TIFFs, BMFF files or formats of their own that begin with a small preview. A decoder that knows only the
preview would show a raw file as a picture of 160 x 120, and a plan would call it the worse copy of its JPEG. LibRaw
finds the largest preview, and knows how large the picture of the sensor is.
"""

from __future__ import annotations

import contextlib
import importlib
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin

WITHOUT = "a raw file of a camera: comparing those needs pip install 'difwatch[raw]'; it stays beside its pictures"
"""Why raw files are unreadable without the extra."""

_SUBFILE_TYPE, _PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION = 254, 262, 330, 50706
_SENSOR = frozenset({32803, 34892})  # a colour filter array; linear raw
_REDUCED = 1

_SIGNATURES: tuple[tuple[int, bytes], ...] = (
    (0, b"FUJIFILMCCD-RAW"),
    (0, b"FOVb"),
    (0, b"\0MRM"),
    (0, b"IIRO"),
    (0, b"IIRS"),
    (0, b"MMOR"),
    (0, b"IIU\0"),
    (0, b"IIII"),
    (6, b"HEAPCCDR"),
    (4, b"ftypcrx "),
    (8, b"CR\x02"),
)

_TURNS = {3: 2, 5: 1, 6: 3}  # quarter turns, counter-clockwise, by LibRaw's number


class RawError(Exception):
    """There is no preview to be had; the text says why in plain words."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The largest preview in a raw file.

    Attributes
    ----------
    content
        A JPEG file, or pixels (height, width, 3).
    width, height
        Size of the picture of the sensor, not turned yet.
    turns
        How many quarter turns, counter-clockwise, make it upright.
    """

    content: bytes | NDArray[np.uint8]
    width: int
    height: int
    turns: int


def load() -> bool:
    """Load LibRaw with all that it imports when it opens a file; tell whether the extra is installed."""
    try:
        importlib.import_module("rawpy")
    except ImportError:
        return False
    importlib.import_module("multiprocessing")
    with contextlib.suppress(RawError):
        preview(b"no raw file")
    return True


def preview(data: bytes) -> Preview:
    """Return the largest preview in a raw file.

    Raises
    ------
    RawError
        The extra is not installed, or LibRaw finds no preview.
    """
    try:
        rawpy = importlib.import_module("rawpy")
    except ImportError as error:
        raise RawError(WITHOUT) from error
    try:
        with rawpy.imread(io.BytesIO(data)) as opened:
            sizes, found = opened.sizes, opened.extract_thumb()
            content = found.data if found.format == rawpy.ThumbFormat.JPEG else np.array(found.data)
    except rawpy.LibRawError as error:
        text = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else error
        raise RawError(f"this raw file has no preview that can be read: {text}") from error
    return Preview(content, sizes.width, sizes.height, _TURNS.get(sizes.flip, 0))


def is_raw(data: bytes) -> bool:
    """Tell whether a file begins as the raw files of some camera do."""
    return any(data.startswith(signature, at) for at, signature in _SIGNATURES)


def is_raw_tiff(opened: TiffImagePlugin.TiffImageFile) -> bool:
    """Tell whether the first image of a TIFF is a preview of what a sensor saw, or that itself."""
    tags = opened.tag_v2
    if _DNG_VERSION in tags or tags.get(_PHOTOMETRIC) in _SENSOR:
        return True
    kind = tags.get(_SUBFILE_TYPE, 0)
    is_preview = isinstance(kind, int) and bool(kind & _REDUCED)
    return is_preview and (_SUB_IFDS in tags or opened.n_frames > 1)
