"""Names: a free one beside a taken one, and which files belong to a picture by theirs. Pure."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 255  # bytes, on nearly every file system
_NOTES = frozenset({b".xmp", b".aae", b".thm", b".pp3", b".dop"})
_RAW = frozenset(
    b".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2 .rwl .sr2 "
    b".srf .srw .x3f".split()
)
SIDECARS = _NOTES | _RAW
"""What belongs to a picture of the same stem: notes of programs, and the raw file that a camera wrote with it."""


def split(name: bytes) -> tuple[bytes, bytes]:
    """Stem and extension of a name; the extension begins with its dot, or is empty."""
    stem, dot, extension = name.rpartition(b".")
    return (stem, dot + extension) if stem else (name, b"")


def numbered(name: bytes, stem: bytes, number: int, room: int = 0) -> bytes:
    """A name with " (number)" after its stem; 0 leaves it as it is.

    Parameters
    ----------
    name
        Begins with ``stem``.
    stem
        Of the picture; its sidecars get the number at the same place.
    number
        Which one.
    room
        So many bytes are left free, for an ending that others put to it.
    """
    mark = b" (%d)" % number if number else b""
    rest = name[len(stem) :]
    cut = stem[: max(1, _LONGEST - room - len(mark) - len(rest))]
    if cut != stem:
        # Not through the middle of a character.
        cut = cut.decode("utf-8", "ignore").encode() if _is_text(stem) else cut
    return cut + mark + rest


def sidecars(name: bytes, others: Iterable[bytes]) -> list[bytes]:
    """Which of the other names in a directory belong to a picture: ``a.xmp`` and ``a.jpg.xmp`` to ``a.jpg``."""
    stem, _ = split(name)
    found = []
    for other in others:
        beginning, extension = split(other)
        notes = extension.lower() in _NOTES and beginning == name
        if other != name and (notes or (beginning == stem and extension.lower() in SIDECARS)):
            found.append(other)
    return sorted(found)


def same_stem(name: bytes, others: Iterable[bytes]) -> list[bytes]:
    """Other names of the same stem that are no sidecars: a sidecar may belong to these as well."""
    stem, _ = split(name)
    found = ((other, *split(other)) for other in others)
    return sorted(
        other
        for other, beginning, end in found
        if other != name and beginning == stem and end.lower() not in SIDECARS
    )


def _is_text(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
