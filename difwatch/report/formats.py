"""Reports for programs: JSON and CSV, written piece by piece.

The JSON of the groups::

    {"schema": 1, "generated": ISO 8601,
     "settings": {"threshold", "nmse", "edited", "rotate", "mirror", "same_dim", "in_folder", "px_size", "recipe"},
     "groups": [{"primary": IMAGE, "members": [IMAGE + ALIKE]}],
     "lower_quality": [path, ...],
     "edited": groups as above, of what is edited; none of these is in "lower_quality"}
    ALIKE = {"mse", "sse", "nmse", "rotation", "tone_rotation", "mirrored", "level", "shots"}
    IMAGE = {"path", "width", "height", "bytes", "mtime", "digest", "facts", "frames", "links"}

ALIKE is how far a picture is from the primary: the errors of tensors and tones (null: beyond all that is searched),
the angles that turn the picture, mirrored first if it is, onto the primary, and whether both were taken at different
moments. "frames" is there if a file has several, of which the first was compared, "links" if it has further names.
Paths are text; where one is not UTF-8, its bytes follow as "path_hex" (or "a_hex", "b_hex").
"facts" are what the file says: "format", "bits", "place" and "orientation", and where known "camera", "lens", "taken"
and "quality". "nmse" of the settings is null while the first full search by it is going on.

The JSON of the pairs is ``{"pairs": [{"a", "b"} + ALIKE]}``, with ``a`` before ``b`` by path.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from difwatch import paths
from difwatch.matches.collection import Collection
from difwatch.matches.errors import mean_errors
from difwatch.model.pictures import Errors, Facts, Group, Image, Level, Pair
from difwatch.report.found import Grouped

_ALIKE = ("mse", "sse", "nmse", "rotation", "tone_rotation", "mirrored", "level", "shots")
_COLUMNS = ("group", "role", "path", "width", "height", "bytes", "mtime", "digest", *_ALIKE)


def json_groups(collection: Grouped, generated: datetime) -> Iterator[str]:
    """Yield the groups as one JSON object, as described above."""
    groups, edited = collection.copies_and_edited()
    head = {"schema": 1, "generated": generated.isoformat(), "settings": _settings(collection)}
    yield json.dumps(head, indent=1)[: -len("\n}")] + ',\n "groups": ['
    lower: list[str] = []
    yield from _listed(_group(group, collection.px, lower) for group in groups)
    yield '],\n "lower_quality": ['
    yield from _listed(lower)
    yield '],\n "edited": ['
    yield from _listed(_group(group, collection.px, []) for group in edited)
    yield "]\n}\n"


def _listed(values: Iterable[Any]) -> Iterator[str]:
    """Yield the elements of a list, one a line."""
    separator = "\n  "
    for value in values:
        yield separator + json.dumps(value)
        separator = ",\n  "


def json_pairs(collection: Collection) -> Iterator[str]:
    """Yield the pairs as one JSON object, one per line, without holding all of them."""
    yield '{"pairs": ['
    separator = "\n"
    for pair in collection.pairs():
        yield separator + json.dumps(_pair(pair, collection.px))
        separator = ",\n"
    yield "\n]}\n"


def csv_groups(collection: Grouped) -> Iterator[str]:
    """Yield the groups as CSV, one picture per line; the primary of each group comes first."""
    yield _row(_COLUMNS)
    groups, edited = collection.copies_and_edited()
    for number, group in enumerate(itertools.chain(groups, edited), start=1):
        yield _row((number, "primary", *_columns(group.primary), *("" for _ in _ALIKE)))
        for member in group.members:
            alike = _alike(member.errors, member.level, collection.px, member.is_shot).values()
            yield _row((number, "member", *_columns(member.image), *alike))


def csv_pairs(collection: Collection) -> Iterator[str]:
    """Yield the pairs as CSV."""
    yield _row(("a", "b", *_ALIKE))
    for pair in collection.pairs():
        alike = _alike(pair.errors, pair.level, collection.px, pair.are_shots).values()
        yield _row((paths.as_text(pair.a.path), paths.as_text(pair.b.path), *alike))


def _row(values: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(values)
    return out.getvalue()


def _columns(image: Image) -> list[Any]:
    fields = image_as_json(image) | {"path": paths.as_text(image.path)}  # in CSV, a path has its own bytes
    return [fields[name] for name in _COLUMNS[2:8]]


def _text(path: bytes) -> str:
    return paths.as_json("path", path)["path"]


def _settings(collection: Grouped) -> dict[str, Any]:
    rules = collection.rules.settings
    kinds = {folder.in_folder for folder in collection.rules.folders.values()}
    return {
        "threshold": collection.threshold,
        "nmse": rules.nmse if rules.nmse is None or rules.nmse >= 0 else None,
        "edited": rules.edited,
        "rotate": rules.rotate,
        "mirror": rules.mirror,
        "same_dim": rules.same_dim,
        "in_folder": kinds.pop() if len(kinds) == 1 else False,
        "px_size": collection.rules.px,
        "recipe": collection.rules.recipe,
    }


def image_as_json(image: Image) -> dict[str, Any]:
    """Return a picture as ``IMAGE`` above."""
    frames = {"frames": image.frames} if image.frames > 1 else {}
    return (
        paths.as_json("path", image.path)
        | {
            "width": image.width,
            "height": image.height,
            "bytes": image.size,
            "mtime": datetime.fromtimestamp(image.mtime_ns / 1e9, UTC).isoformat(),
            "digest": image.digest.hex(),
            "facts": _facts(image.facts),
        }
        | frames
    )


def _facts(facts: Facts) -> dict[str, Any]:
    fields = ((name, getattr(facts, name)) for name in Facts.__slots__)
    known = {name: value for name, value in fields if value is not None and value != ""}
    return {"place" if name == "has_place" else name: value for name, value in known.items()}


def _group(group: Group, px: int, lower: list[str]) -> dict[str, Any]:
    lower += [_text(member.image.path) for member in group.members]
    members = [
        _with_links(member.image) | _alike(member.errors, member.level, px, member.is_shot)
        for member in group.members
    ]
    return {"primary": _with_links(group.primary), "members": members}


def _alike(errors: Errors, level: Level, px: int, are_shots: bool) -> dict[str, Any]:
    means = mean_errors(errors, px)
    return {
        "mse": means["mse"],
        "sse": None if errors.sse < 0 else errors.sse,
        "nmse": means["nmse"],
        "rotation": errors.rotation,
        "tone_rotation": errors.tone_rotation,
        "mirrored": errors.mirrored,
        "level": level,
        "shots": are_shots,
    }


def _with_links(image: Image) -> dict[str, Any]:
    links = {"links": [_text(path) for path in image.links]} if image.links else {}
    return image_as_json(image) | links


def _pair(pair: Pair, px: int) -> dict[str, Any]:
    files = paths.as_json("a", pair.a.path) | paths.as_json("b", pair.b.path)
    return files | _alike(pair.errors, pair.level, px, pair.are_shots)
