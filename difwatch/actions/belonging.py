"""Which files belong to a picture that goes: its sidecars, found without reading the whole folder each time.

A sidecar that may belong to two pictures makes both of them stay.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from difwatch.actions.check import RefusedError
from difwatch.actions.directory import Place
from difwatch.actions.names import SIDECARS, same_stem, sidecars, split

# Pictures that a sidecar may belong to as well, though not all of them can be read here.
_PICTURES = frozenset(b".heic .heif .hif .avif .jxl .bmp .mov .mp4".split())


def belonging(source: Place, mode: str, is_image_name: Callable[[bytes], bool]) -> list[bytes]:
    """The names of the sidecars that go along with a picture.

    Parameters
    ----------
    source
        The picture.
    mode
        move; refuse (the picture stays with them); or leave (they stay without it).
    is_image_name
        Tells pictures from other files.

    Raises
    ------
    RefusedError
        The picture must stay because of them.
    """
    if mode == "leave" or not _may_have(source):
        return []
    with os.scandir(source.directory) as entries:
        others = [os.fsencode(entry.name) for entry in entries]
    found = sidecars(source.name, others)
    if not found:
        return []
    shown = os.fsdecode(found[0])
    if mode == "refuse":
        raise RefusedError(f"{shown} belongs to it")
    for other in same_stem(source.name, others):
        if is_image_name(other) or split(other)[1].lower() in _PICTURES:
            raise RefusedError(f"{shown} may belong to it or to {os.fsdecode(other)}")
    return found


def _may_have(source: Place) -> bool:
    # A folder of many thousands would be read once for each of them.
    stem, _ = split(source.name)
    endings = {ending for end in SIDECARS for ending in (end, end.upper(), b"." + end[1:].capitalize())}
    names = (base + ending for base in (stem, source.name) for ending in endings)
    return any(Place(source.directory, name).look() is not None for name in names if len(name) <= 255)
