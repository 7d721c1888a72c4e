"""Names: a free name beside a taken one, and which files belong to a picture by their names. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from difwatch.extensions import RAW

_LONGEST = 255  # bytes, on nearly every file system
_NOTES = frozenset({b".xmp", b".aae", b".thm", b".pp3", b".dop", b".on1", b".cos", b".wav"})
_RAW = frozenset(b"." + extension for extension in RAW)
_LIVE = frozenset({b".mov", b".mp4"})
_MOVING = b".mp"  # the video of PXL_1.MP.jpg is PXL_1.MP
_STILLS = frozenset({b".jpg", b".jpeg", b".heic", b".heif", b".hif"})
_LATER_NOTES = (b"_original", b".out.pp3")  # after the whole name: of exiftool and of RawTherapee
_JSON = b".json"
_TAKEOUT = b".supplemental-metadata"  # which Google Takeout cuts anywhere, so that names are not too long
_TAKEOUT_LONGEST = 46  # characters before ".json", so that even the name of a picture is cut
_VERSION = re.compile(rb"_\d\d$")  # as darktable numbers its versions of a.jpg: a_01.jpg.xmp


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
    """Return the other names in a directory that belong to a picture.

    To ``a.jpg`` belong ``a.xmp`` and ``a.jpg.xmp`` (and other notes), ``a.nef`` (and other raw files), ``a.mov`` and
    ``a.mp4`` (the video of a Live Photo), and what Google Takeout notes in ``a.jpg.json``, whose name it cuts.
    """
    others = [other for other in others if other != name]
    found = {other for other in others if _belongs(name, other)}
    note = _cut_note(name)
    if note in others and not any(_cut_note(other) == note for other in others if other != note):
        found.add(note)
    return sorted(found)


def candidates(name: bytes) -> Iterator[bytes]:
    """Yield the usual spellings of all names that may belong to a picture, to be asked for one by one."""
    stem, extension = split(name)
    cuts = [_TAKEOUT[:length] + _JSON for length in range(len(_TAKEOUT) + 1) if length != 1]
    for end in (*_NOTES, *_LATER_NOTES, *cuts):
        yield from (name + end, name + end.upper())
    for end in (*_NOTES, *_RAW, *_LIVE, _JSON):
        yield from (stem + end, stem + end.upper(), stem + b"." + end[1:].capitalize())
    yield from (stem + b"_01" + extension + end for end in _NOTES)
    if split(stem)[1].lower() == _MOVING:
        yield stem
    if (note := _cut_note(name)) is not None:
        yield note


def _cut_note(name: bytes) -> bytes | None:
    """Return how Google Takeout calls its note of a picture whose name is too long for it; None for other names."""
    text = os.fsdecode(name)
    return os.fsencode(text[:_TAKEOUT_LONGEST]) + _JSON if len(text) > _TAKEOUT_LONGEST else None


def same_stem(name: bytes, others: Iterable[bytes]) -> list[bytes]:
    """Return the other names of the same stem that are no sidecars: a sidecar may belong to these as well."""
    stem, _ = split(name)
    return sorted(
        other for other in others if other != name and split(other)[0] == stem and not _belongs(name, other)
    )


def _belongs(name: bytes, other: bytes) -> bool:
    stem, extension = split(name)
    beginning, end = split(other)
    end = end.lower()
    if other.startswith(name):
        rest = other[len(name) :].lower()
        is_takeout = rest.endswith(_JSON) and _TAKEOUT.startswith(rest.removesuffix(_JSON))
        return rest in _NOTES or rest in _LATER_NOTES or is_takeout
    if beginning == stem:
        is_live = end in _LIVE and extension.lower() in _STILLS
        return end in _NOTES or end in _RAW or end == _JSON or is_live
    if other == stem:
        return end == _MOVING
    before, same = split(beginning)
    return end in _NOTES and same == extension and _VERSION.sub(b"", before) == stem


def _is_text(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
