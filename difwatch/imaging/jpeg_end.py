"""JPEGs that lack their last two bytes, as some webcams, phones and carvers write them. Viewers show them."""

from __future__ import annotations

from collections.abc import Callable

_START, _END = b"\xff\xd8", b"\xff\xd9"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL = frozenset({0xC0, 0xC1})
_FILLER = b"\x5a\xa5" * 64


def completed(data: bytes, pixels: Callable[[bytes], bytes]) -> bytes | None:
    """Return a JPEG with the end mark that it lacks; None if it lacks more than that, or is no such file.

    The decoder fills in what is missing before an end mark. So the file is decoded twice, once with more data before
    the mark: if that changes any pixel, pixels were missing. A progressive file is never completed, because it may
    lack whole scans, and then no pixel says so.

    Parameters
    ----------
    pixels
        Decodes a file.

    Raises
    ------
    Exception
        What ``pixels`` raises.
    """
    if not data.startswith(_START) or data.rstrip(b"\0").endswith(_END) or _is_progressive(data):
        return None
    pixels_end = data.removesuffix(_END[:1])
    whole = pixels_end + _END
    return whole if pixels(whole) == pixels(pixels_end + _FILLER + _END) else None


def _is_progressive(data: bytes) -> bool:
    """Tell whether the frame header of a JPEG says that several scans refine the picture."""
    at = len(_START)
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _FRAMES:
            return data[at + 1] not in _SEQUENTIAL
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return True  # no frame header: nothing to complete
