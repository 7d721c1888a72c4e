"""How many frames a file has. Only the first is compared, so the others must be known of."""

from __future__ import annotations

import io

from PIL import Image, MpoImagePlugin, TiffImagePlugin

from difwatch.imaging.broken import BROKEN

_REDUCED = 1  # NewSubfileType: a smaller version of another image in the file
_SUBFILE_TYPE = 254
_MP_ENTRIES = 0xB002
_SHOWN = "Multi-Frame Image"  # panoramas, pairs for both eyes, other angles
_LAYERED = frozenset({"PSD"})  # what Pillow calls frames are its layers
_SOME = 2


def frame_count(opened: Image.Image, data: bytes) -> int:
    """Return the number of frames of an opened file: of an animation, pages, views of the same scene.

    Thumbnails, previews and gain maps are none. Of a file that is broken behind its first frame the number is 2:
    there are more than one, and nobody can say how many.

    Parameters
    ----------
    opened
        Its first frame; it stays as it is.
    data
        The bytes of the file.
    """
    is_known = not hasattr(type(opened), "n_frames")  # otherwise the file is walked when it is asked for
    if opened.format in _LAYERED or (is_known and getattr(opened, "n_frames", 1) == 1):
        return 1
    # Counting moves to other frames, so it is done on the file opened once more.
    name = "JPEG" if opened.format == "MPO" else str(opened.format)  # an MPO is recognised as a JPEG first
    with Image.open(io.BytesIO(data), formats=[name]) as again:
        try:
            return _counted(again)
        except BROKEN:  # whether it is a picture is for its first frame to say
            return _SOME


def _counted(opened: Image.Image) -> int:
    total: int = getattr(opened, "n_frames", 1)
    if isinstance(opened, MpoImagePlugin.MpoImageFile):
        entries = opened.mpinfo.get(_MP_ENTRIES, []) if opened.mpinfo else []
        return 1 + sum(bool(entry["Attribute"]["MPType"].startswith(_SHOWN)) for entry in entries[1:])
    if not isinstance(opened, TiffImagePlugin.TiffImageFile) or total == 1:
        return total
    pages = 0
    for page in range(total):
        opened.seek(page)
        kind = opened.tag_v2.get(_SUBFILE_TYPE, 0)
        pages += not (isinstance(kind, int) and kind & _REDUCED)
    return max(1, pages)
