"""The sidecars of a picture, found without listing the whole folder each time.

Where a sidecar may belong to two pictures, both stay.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from difwatch.actions.check import RefusedError
from difwatch.actions.directory import Place
from difwatch.actions.names import candidates, same_stem, sidecars, split

# A sidecar may belong to these as well, although not all of them can be decoded.
_PICTURES = frozenset(b".heic .heif .hif .avif .jxl .bmp".split())


def belonging(source: Place, mode: str, is_image_name: Callable[[bytes], bool]) -> list[bytes]:
    """Return the names of the sidecars that go along with a picture.

    Parameters
    ----------
    source
        The picture.
    mode
        move; refuse (the picture stays with its sidecars); or leave (the sidecars stay without it).
    is_image_name
        Tells pictures from other files.

    Raises
    ------
    RefusedError
        The picture must stay because of its sidecars.
    """
    if mode == "leave" or not _may_have(source):
        return []
    with os.scandir(source.directory) as entries:
        others = [os.fsencode(entry.name) for entry in entries]
    names = sidecars(source.name, others)
    if not names:
        return []
    shown = os.fsdecode(names[0])
    if mode == "refuse":
        raise RefusedError(f"{shown} belongs to it (--sidecars move takes it along, --sidecars leave leaves it)")
    for name in filter(is_image_name, names):
        raise RefusedError(
            f"{os.fsdecode(name)} belongs to it and is compared by itself (--sidecars leave leaves it)"
        )
    for other in same_stem(source.name, others):
        if is_image_name(other) or split(other)[1].lower() in _PICTURES:
            raise RefusedError(f"{shown} may belong to it or to {os.fsdecode(other)} (--sidecars leave leaves it)")
    return names


def _may_have(source: Place) -> bool:
    # Otherwise a folder of many thousands of pictures would be listed once for each of them.
    return any(
        Place(source.directory, name).look() is not None for name in candidates(source.name) if len(name) <= 255
    )
