"""Reports for people who want to see the pictures: one HTML page that needs no other file.

Each picture covers its tensor, which is what was compared. The tensor stays visible if the browser cannot open the
picture, as on another machine or for an unknown format.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from sqlalchemy import Connection

from difwatch.matches.collection import Collection
from difwatch.model.pictures import Group, Image, Pair
from difwatch.report.text import shown_size, text_of_match, text_of_total
from difwatch.shown import shown_path
from difwatch.store import contents

_HEAD = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data: file:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>difwatch report</title>
<style>
:root { color-scheme: light dark; font: 14px/1.4 system-ui, sans-serif }
body { margin: 2em }
section { display: flex; flex-wrap: wrap; gap: 1em; padding: 1em 0; border-top: 1px solid #8886 }
figure { margin: 0; width: 180px; overflow-wrap: anywhere }
figure:first-child { font-weight: 600 }
figure a { display: block; background-size: 100% 100% }
img { width: 100%; height: 100%; display: block }
small { display: block; font-weight: 400; opacity: .75 }
"""
_BOX = 180  # pixels of the longer side of a picture, as wide as a figure
_QUALITY = 85
_PAGE = 1000


class _Shown(NamedTuple):
    image: Image
    note: str


def html_groups(collection: Collection, connection: Connection, generated: str) -> Iterator[str]:
    """Return the groups as a page, each with its best picture first.

    Parameters
    ----------
    connection
        The view of the store that the collection was read from, not needed once this returns.
    generated
        When the page was made, as text.
    """
    groups = collection.groups()
    sections = [_of_group(group, collection.values) for group in groups]
    return _page(sections, _thumbnails(connection, sections), text_of_total(collection, groups), generated)


def html_pairs(collection: Collection, connection: Connection, generated: str) -> Iterator[str]:
    """Return the pairs as a page; the parameters are those of `html_groups`."""
    sections = [_of_pair(pair, collection.values) for pair in collection.pairs()]
    total = f"Pairs: {len(sections)} (up to an MSE of {collection.threshold:g})"
    return _page(sections, _thumbnails(connection, sections), total, generated)


def _of_group(group: Group, values: int) -> list[_Shown]:
    members = [_Shown(member.image, text_of_match(member, values)) for member in group.members]
    return [_Shown(group.primary, "best"), *members]


def _of_pair(pair: Pair, values: int) -> list[_Shown]:
    return [_Shown(pair.a, ""), _Shown(pair.b, text_of_match(pair, values))]


def _thumbnails(connection: Connection, sections: Sequence[Sequence[_Shown]]) -> dict[int, bytes]:
    """Return the tensors of the pictures as JPEGs, by id, each once."""
    ids = np.array(sorted({shown.image.tensor for section in sections for shown in section}), np.int64)
    thumbnails: dict[int, bytes] = {}
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        rows = contents.tensors(connection, page)
        side = round((rows.shape[1] / 3) ** 0.5)
        jpegs = (_jpeg(row.reshape(side, side, 3)) for row in rows)
        thumbnails.update(zip(page.tolist(), jpegs, strict=True))
    return thumbnails


def _jpeg(tensor: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Pictures.fromarray(tensor).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _page(
    sections: Sequence[Sequence[_Shown]], thumbnails: dict[int, bytes], total: str, generated: str
) -> Iterator[str]:
    yield _HEAD
    for id_, jpeg in thumbnails.items():
        yield f".t{id_} {{ background-image: url(data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}) }}\n"
    yield f"</style>\n<h1>{escape(total)}</h1>\n<p>difwatch, {escape(generated)}</p>\n"
    for section in sections:
        yield "<section>\n"
        yield from (_figure(shown) for shown in section)
        yield "</section>\n"
    yield "</html>\n"


def _figure(shown: _Shown) -> str:
    image = shown.image
    scale = _BOX / max(image.width, image.height, 1)
    size = f"width:{max(1, round(image.width * scale))}px;height:{max(1, round(image.height * scale))}px"
    link = escape("file://" + quote(image.path))
    note = f"<small>{escape(shown.note)}</small>" if shown.note else ""
    return (
        f'<figure><a class="t{image.tensor}" style="{size}" href="{link}">'
        f'<img loading="lazy" alt="" src="{link}"></a>'
        f"{escape(shown_path(image.path))}<small>{shown_size(image)}</small>{note}</figure>\n"
    )
