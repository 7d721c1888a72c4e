"""Reports for programs: JSON and CSV, written piece by piece.

The JSON of the groups::

    {"schema": 1, "generated": ISO 8601,
     "settings": {"threshold", "rotate", "same_dim", "in_folder", "px_size", "recipe"},
     "groups": [{"primary": IMAGE, "members": [IMAGE + {"mse", "sse", "rotation", "level"}]}],
     "lower_quality": [path, ...]}
    IMAGE = {"path", "width", "height", "bytes", "mtime", "digest"}, "frames" if there are several, of which the first
    was compared, and "links" if the file has further names

The JSON of the pairs is ``{"pairs": [{"a", "b", "sse", "mse", "rotation"}]}``, with ``a`` before ``b`` by path.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from difwatch.matches.collection import Collection
from difwatch.model.pictures import Group, Image, Pair

_COLUMNS = (
    "group",
    "role",
    "path",
    "width",
    "height",
    "bytes",
    "mtime",
    "digest",
    "mse",
    "sse",
    "rotation",
    "level",
)


def json_groups(collection: Collection, generated: datetime) -> Iterator[str]:
    """Yield the groups as one JSON object, as described above."""
    groups = collection.groups()
    yield json.dumps(
        {
            "schema": 1,
            "generated": generated.isoformat(),
            "settings": _settings(collection),
            "groups": [_group(group, collection.values) for group in groups],
            "lower_quality": [os.fsdecode(member.image.path) for group in groups for member in group.members],
        },
        indent=1,
    )
    yield "\n"


def json_pairs(collection: Collection) -> Iterator[str]:
    """Yield the pairs as one JSON object, one per line, without holding all of them."""
    yield '{"pairs": ['
    separator = "\n"
    for pair in collection.pairs():
        yield separator + json.dumps(_pair(pair, collection.values))
        separator = ",\n"
    yield "\n]}\n"


def csv_groups(collection: Collection) -> Iterator[str]:
    """Yield the groups as CSV, one picture per line; the primary of each group comes first."""
    yield _row(_COLUMNS)
    for number, group in enumerate(collection.groups(), start=1):
        yield _row((number, "primary", *_image(group.primary).values(), "", "", "", ""))
        for member in group.members:
            mse = member.sse / collection.values
            tail = (mse, member.sse, member.rotation, member.level)
            yield _row((number, "member", *_image(member.image).values(), *tail))


def csv_pairs(collection: Collection) -> Iterator[str]:
    """Yield the pairs as CSV."""
    yield _row(("a", "b", "sse", "mse", "rotation"))
    for pair in collection.pairs():
        yield _row(_pair(pair, collection.values).values())


def _row(values: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(values)
    return out.getvalue()


def _settings(collection: Collection) -> dict[str, Any]:
    kinds = {folder.in_folder for folder in collection.rules.folders.values()}
    return {
        "threshold": collection.threshold,
        "rotate": collection.rules.settings.rotate,
        "same_dim": collection.rules.settings.same_dim,
        "in_folder": kinds.pop() if len(kinds) == 1 else False,
        "px_size": collection.rules.px,
        "recipe": collection.rules.recipe,
    }


def _image(image: Image) -> dict[str, Any]:
    frames = {"frames": image.frames} if image.frames > 1 else {}
    return {
        "path": os.fsdecode(image.path),
        "width": image.width,
        "height": image.height,
        "bytes": image.size,
        "mtime": datetime.fromtimestamp(image.mtime_ns / 1e9, UTC).isoformat(),
        "digest": image.digest.hex(),
    } | frames


def _group(group: Group, values: int) -> dict[str, Any]:
    return {"primary": _with_links(group.primary), "members": [
        _with_links(member.image)
        | {
            "mse": member.sse / values,
            "sse": member.sse,
            "rotation": member.rotation,
            "level": member.level,
        }
        for member in group.members
    ]}  # fmt: skip


def _with_links(image: Image) -> dict[str, Any]:
    links = {"links": [os.fsdecode(path) for path in image.links]} if image.links else {}
    return _image(image) | links


def _pair(pair: Pair, values: int) -> dict[str, Any]:
    return {
        "a": os.fsdecode(pair.a.path),
        "b": os.fsdecode(pair.b.path),
        "sse": pair.sse,
        "mse": pair.sse / values,
        "rotation": pair.rotation,
    }
