"""The log lines about what has just been kept."""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection

from difwatch.model import Folder, Image, Pair, Settings, Unreadable
from difwatch.search.matching import Shelf, is_match, level, shelf
from difwatch.store import ignored, matches

log = logging.getLogger(__name__)

_MATCHES_PER_FILE = 10
_LIKE_EACH = 100  # files of one tensor and size that are looked at
_GONE_LINES = 20


@dataclass(frozen=True, slots=True)
class Matching:
    """What counts as a match now: the folders by id, their limits (SSE), the settings, and the recipe."""

    folders: Mapping[int, Folder]
    limits: Mapping[int, int]
    settings: Settings
    recipe_id: int
    values: int


@dataclass(frozen=True, slots=True)
class News:
    """What is worth a line about a new file: its nearest matches, and whether there are or may be more."""

    pairs: tuple[Pair, ...]
    more: bool


def new_matches(connection: Connection, matching: Matching, paths: Sequence[bytes]) -> dict[bytes, News]:
    """Matches of new files with those that were there before, nearest first; of two new ones, once.

    Of the files of one tensor and size only so many are looked at; so a thousand copies of one picture cost a
    thousand times as much as one.
    """
    fresh = set(paths)
    settings = matching.settings
    files = dict(matches.files_with_tensors(connection, paths))
    near = _near(connection, matching, sorted(set(files.values())))
    decided = ignored.pairs(connection)
    shelves, crowded = _around(connection, matching, files, near)
    for images in shelves.values():
        images.sort(key=lambda image: (image.path in fresh, image.path))
    news: dict[bytes, News] = {}
    for new in sorted((image for images in shelves.values() for image in images), key=lambda one: one.path):
        if new.path not in fresh:
            continue
        fresh.discard(new.path)
        places = [(sse, shelf(new, settings, tensor), turn) for sse, tensor, turn in sorted(near[new.tensor])]
        pairs = (
            Pair(new, old, sse, turn, level(new, old, sse))
            for sse, place, turn in places
            for old in shelves.get(place, ())
            if old.path not in fresh and is_match(new, old, sse, settings, decided)
        )
        some = tuple(islice(pairs, _MATCHES_PER_FILE + 1))
        more = len(some) > _MATCHES_PER_FILE or any(place in crowded for _, place, _ in places)
        if some or more:
            news[new.path] = News(some[:_MATCHES_PER_FILE], more)
    return news


_Near = Mapping[int, Sequence[tuple[int, int, int]]]


def _near(
    connection: Connection, matching: Matching, tensors: Sequence[int]
) -> dict[int, list[tuple[int, int, int]]]:
    """For each tensor the tensors within the limit, itself first: (SSE, tensor, degrees)."""
    limit = max(matching.limits.values(), default=0)
    near = {tensor: [(0, tensor, 0)] for tensor in tensors}
    for tensor, other, sse, rotation in matches.neighbours(connection, tensors, limit, matching.settings.rotate):
        near[tensor].append((sse, other, rotation))
    return near


def _around(
    connection: Connection, matching: Matching, files: Mapping[int, int], near: _Near
) -> tuple[dict[Shelf, list[Image]], set[Shelf]]:
    """The pictures that may match some files (id to tensor), by shelf, and which shelves hold more than these."""
    images = list(_images(connection, matching, files))
    wanted = {shelf(image, matching.settings, tensor) for image in images for _, tensor, _ in near[image.tensor]}
    crowded: set[Shelf] = set()
    ids = set(files)
    for place in wanted:
        found = matches.files_like(connection, place.tensor, place.dimensions, _LIKE_EACH)
        ids.update(found)
        if len(found) == _LIKE_EACH:
            crowded.add(place)
    if len(ids) > len(files):
        images = list(_images(connection, matching, ids))
    shelves: dict[Shelf, list[Image]] = defaultdict(list)
    for image in images:
        shelves[shelf(image, matching.settings)].append(image)
    return shelves, crowded


def _images(connection: Connection, matching: Matching, file_ids: Iterable[int]) -> Iterator[Image]:
    return matches.images(connection, matching.folders, matching.limits, matching.recipe_id, sorted(file_ids))


def announce_matches(found: Mapping[bytes, News], values: int) -> None:
    """Log matches: for each new file its nearest ones, and that there are more."""
    for path, news in found.items():
        for pair in news.pairs:
            fields = {
                "new": os.fsdecode(pair.a.path),
                "old": os.fsdecode(pair.b.path),
                "mse": round(pair.sse / values, 4),
                "rotation": pair.rotation,
                "level": pair.level,
            }
            log.info(
                "match %(new)s %(old)s mse=%(mse).4g rotation=%(rotation)d level=%(level)s",
                fields,
                extra={"event": "match", "fields": fields},
            )
        if news.more:
            log.info("match %s is like many others: see 'difwatch report'", os.fsdecode(path))


def announce_unreadable(results: Sequence[Unreadable]) -> None:
    """Log files without a tensor, and why."""
    for one in results:
        fields = {"path": os.fsdecode(one.state.path), "reason": one.reason}
        log.warning("%(path)s: %(reason)s", fields, extra={"event": "unreadable", "fields": fields})


def announce_moved(path: bytes, source: bytes) -> None:
    """Log that a known file has a new path."""
    fields = {"path": os.fsdecode(path), "was": os.fsdecode(source)}
    log.info("%(path)s: was %(was)s", fields, extra={"event": "moved", "fields": fields})


def announce_gone(paths: Sequence[bytes]) -> None:
    """Log files that are gone: some by name, and how many more."""
    for path in paths[:_GONE_LINES]:
        fields = {"path": os.fsdecode(path)}
        log.info("%(path)s: gone", fields, extra={"event": "gone", "fields": fields})
    if len(paths) > _GONE_LINES:
        log.info("and %d more files gone", len(paths) - _GONE_LINES)
