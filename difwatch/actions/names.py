"""Names: a free name beside a taken one, and which files belong to a picture by their names. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from difwatch.extensions import RAW

_LONGEST = 255  # bytes, on nearly every file system
_NOTES = frozenset({b".xmp", b".aae", b".thm", b".pp3", b".dop"})
SIDECARS = _NOTES | {b"." + extension for extension in RAW}
"""Extensions of what belongs to a picture of the same stem: notes of programs, and the camera's raw file."""


def split(name: bytes) -> tuple[bytes, bytes]:
    """Return the stem and extension of a name; the extension begins with its dot, or is empty."""
    stem, dot, extension = name.rpartition(b".")
    return (stem, dot + extension) if stem else (name, b"")


def numbered(name: bytes, stem: bytes, number: int, room: int = 0) -> bytes:
    """Return a name with " (number)" after its stem; 0 leaves the name as it is.

    Parameters
    ----------
    name
        Begins with ``stem``.
    stem
        Of the picture; its sidecars get the number at the same place.
    room
        Bytes that are left free for an ending to be added.
    """
    mark = b" (%d)" % number if number else b""
    rest = name[len(stem) :]
    cut = stem[: max(1, _LONGEST - room - len(mark) - len(rest))]
    if cut != stem:
        # Never cut through a character.
        cut = cut.decode("utf-8", "ignore").encode() if _is_text(stem) else cut
    return cut + mark + rest


def sidecars(name: bytes, others: Iterable[bytes]) -> list[bytes]:
    """Return the other names in a directory that belong to a picture: ``a.xmp`` and ``a.jpg.xmp`` to ``a.jpg``."""
    stem, _ = split(name)
    names = []
    for other in others:
        beginning, extension = split(other)
        notes = extension.lower() in _NOTES and beginning == name
        if other != name and (notes or (beginning == stem and extension.lower() in SIDECARS)):
            names.append(other)
    return sorted(names)


def same_stem(name: bytes, others: Iterable[bytes]) -> list[bytes]:
    """Return the other names of the same stem that are no sidecars: a sidecar may belong to these as well."""
    stem, _ = split(name)
    parts = ((other, *split(other)) for other in others)
    return sorted(
        other
        for other, beginning, end in parts
        if other != name and beginning == stem and end.lower() not in SIDECARS
    )


def _is_text(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
