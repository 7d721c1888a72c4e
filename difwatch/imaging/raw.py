"""Raw files of cameras, recognised by their bytes.

Many are TIFFs, BMFF files or formats of their own that begin with a small preview. A decoder that knows only the
preview would show a raw file as a picture of 160 x 120, and a plan would call it the worse copy of its JPEG.
"""

from __future__ import annotations

from PIL import TiffImagePlugin

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
