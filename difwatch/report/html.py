"""Reports for people who want to see the pictures: one HTML page that needs no other file.

Each picture covers its tensor, which is what was compared. The tensor stays visible if the browser cannot open the
picture, as on another machine or for an unknown format. Edited versions come after the copies, with the tone of each
picture beside it, because that is what they have in common.
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

from difwatch import paths
from difwatch.compare.tone import tones
from difwatch.matches.collection import Collection
from difwatch.matches.errors import all_errors
from difwatch.model.pictures import Group, Image, Member, Pair, unseen_frames
from difwatch.report.found import Grouped
from difwatch.report.text import shown_size, text_of_edited, text_of_limits, text_of_total
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
body { margin: 1.5em }
h1, h2 { font-size: 1.5em; line-height: 1.3; text-wrap: balance }
section { display: flex; flex-wrap: wrap; gap: 1.5em; padding: 1.5em 0; border-top: 1px solid #8886 }
figure { margin: 0; width: min(260px, 50% - .75em); overflow-wrap: break-word }
figure a { display: block; position: relative; background-size: 100% 100%; outline: 1px solid #8884 }
i { position: absolute; right: 0; bottom: 0; width: 36px; height: 36px }
i { background-size: 100%; border: 1px solid #fff }
img { width: 100%; height: 100%; display: block }
b { display: block; margin-top: .5em; font-weight: 600 }
small { display: block; opacity: .75 }
"""
_TONES = "In the corner of each picture is its tone: what is left without brightness, contrast and colour."
_QUALITY = 85
_PAGE = 1000


class _Shown(NamedTuple):
    image: Image
    note: str


class _Part(NamedTuple):
    title: str
    sections: list[list[_Shown]]
    tones: bool = False


def html_groups(collection: Grouped, connection: Connection, generated: str) -> Iterator[str]:
    """Return the groups as a page, each with its best picture first.

    Parameters
    ----------
    connection
        The view of the store that the collection was read from, not needed once this returns.
    generated
        When the page was made, as text.
    """
    groups, edited = collection.copies_and_edited()
    parts = [_Part(text_of_total(collection, groups), [_of_group(group, collection.px) for group in groups])]
    if len(edited):
        sections = [_of_group(group, collection.px) for group in edited]
        parts.append(_Part(text_of_edited(edited).rstrip(":"), sections, tones=True))
    return _page(parts, _thumbnails(connection, parts), generated)


def html_pairs(collection: Collection, connection: Connection, generated: str) -> Iterator[str]:
    """Return the pairs as a page; the parameters are those of `html_groups`."""
    sections = [_of_pair(pair, collection.px) for pair in collection.pairs()]
    parts = [_Part(f"Pairs: {len(sections)} ({text_of_limits(collection)})", sections)]
    return _page(parts, _thumbnails(connection, parts), generated)


def _of_group(group: Group, px: int) -> list[_Shown]:
    members = [_Shown(member.image, _note(member, px) + _stays(member, group)) for member in group.members]
    return [_Shown(group.primary, "the one to keep"), *members]


def _of_pair(pair: Pair, px: int) -> list[_Shown]:
    return [_Shown(pair.a, ""), _Shown(pair.b, _note(pair, px))]


def _stays(member: Member, group: Group) -> str:
    reason = unseen_frames(member.image, group.primary)
    return "" if reason is None else f", stays: {reason}"


def _note(match: Member | Pair, px: int) -> str:
    is_shot = match.is_shot if isinstance(match, Member) else match.are_shots
    return all_errors(match.errors, match.level, px, is_shot)


def _thumbnails(connection: Connection, parts: Sequence[_Part]) -> dict[str, bytes]:
    """Return the tensors of the pictures as JPEGs by style class, each once, and the tones where they are shown."""
    thumbnails: dict[str, bytes] = {}
    pixels = contents.StorePixels(connection)
    for tones_too in (False, True):
        shown = (shown for part in parts if part.tones >= tones_too for section in part.sections for shown in section)
        ids = np.array(sorted({one.image.tensor for one in shown}), np.int64)
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            rows = pixels.tensors(page)
            side = round((rows.shape[1] / 3) ** 0.5)
            pictures = tones(rows)[0].reshape(-1, side, side) if tones_too else rows.reshape(-1, side, side, 3)
            names = (f"{'n' if tones_too else 't'}{id_}" for id_ in page.tolist())
            thumbnails.update(zip(names, map(_jpeg, pictures), strict=True))
    return thumbnails


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Pictures.fromarray(picture).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _page(parts: Sequence[_Part], thumbnails: dict[str, bytes], generated: str) -> Iterator[str]:
    yield _HEAD
    for name, jpeg in thumbnails.items():
        yield f".{name} {{ background-image: url(data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}) }}\n"
    yield "</style>\n"
    for number, part in enumerate(parts):
        yield f"<h{number + 1}>{escape(part.title)}</h{number + 1}>\n"
        if not number:
            yield f"<p>difwatch, {escape(generated)}</p>\n"
        if part.tones:
            yield f"<p>{_TONES}</p>\n"
        for section in part.sections:
            yield "<section>\n"
            yield from (_figure(shown, part.tones) for shown in section)
            yield "</section>\n"
    yield "</html>\n"


def _figure(shown: _Shown, with_tone: bool) -> str:
    image = shown.image
    wide = min(100, round(100 * image.width / max(image.height, 1)))
    size = f"width:{max(1, wide)}%;aspect-ratio:{max(image.width, 1)}/{max(image.height, 1)}"
    link = escape("file://" + quote(image.path))
    note = f"<small>{escape(shown.note)}</small>" if shown.note else ""
    name = escape(shown_path(paths.name(image.path))).replace("_", "_<wbr>")
    folder = escape(shown_path(paths.parent(image.path))).replace("/", "/<wbr>")
    tone = f'<i class="n{image.tensor}"></i>' if with_tone else ""
    return (
        f'<figure><a class="t{image.tensor}" style="{size}" href="{link}">'
        f'<img loading="lazy" alt="" src="{link}">{tone}</a>'
        f"<b>{name}</b><small>{folder}</small>"
        f"<small>{shown_size(image)}</small>{note}</figure>\n"
    )
