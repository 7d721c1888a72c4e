"""The matches of new files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection

from difwatch.matches.groups import nearness
from difwatch.matches.read import read_rules
from difwatch.matches.rules import MatchRules, Shelf
from difwatch.model.pictures import SAME, Errors, Ignored, Image, Pair
from difwatch.store import ignored, matches, pictures

_MATCHES_PER_FILE = 10
_LIKE_EACH = 100  # files of one tensor and size that are inspected

_Near = Mapping[int, Sequence[tuple[int, Errors]]]  # tensor to (other tensor, how far that is), itself first


@dataclass(frozen=True, slots=True)
class News:
    """What to report about a new file: its nearest matches, and whether there are or may be more."""

    pairs: tuple[Pair, ...]
    more: bool


def new_matches(connection: Connection, new: Sequence[bytes]) -> dict[bytes, News]:
    """Return the matches of new files with known files, nearest first; a match of two new files appears once.

    Only some of the files of one tensor and size are inspected, so a thousand new copies of one picture cost a
    thousand times as much as one.
    """
    rules = read_rules(connection)
    tensors = dict(pictures.files_with_tensors(connection, new))
    near = _near(connection, rules, sorted(set(tensors.values())))
    # Most new pictures are like no other one: of these no more is read.
    shared = pictures.shared_tensors(connection, [tensor for tensor, others in near.items() if len(others) == 1])
    tensors = {id_: tensor for id_, tensor in tensors.items() if len(near[tensor]) > 1 or tensor in shared}
    shelves, crowded = _around(connection, rules, tensors, near)
    decided = ignored.pairs(connection)
    fresh = set(new)
    for images in shelves.values():
        images.sort(key=lambda image: (image.path in fresh, image.path))
    news: dict[bytes, News] = {}
    for image in sorted((image for images in shelves.values() for image in images), key=lambda image: image.path):
        if image.path not in fresh:
            continue
        fresh.discard(image.path)
        pairs = _pairs(rules, image, near[image.tensor], shelves, fresh, decided)
        nearest = tuple(islice(pairs, _MATCHES_PER_FILE + 1))
        places = (rules.shelf(image, tensor) for tensor, _ in near[image.tensor])
        more = len(nearest) > _MATCHES_PER_FILE or any(place in crowded for place in places)
        if nearest or more:
            news[image.path] = News(nearest[:_MATCHES_PER_FILE], more)
    return news


def _pairs(
    rules: MatchRules,
    image: Image,
    near: Sequence[tuple[int, Errors]],
    shelves: Mapping[Shelf, Sequence[Image]],
    fresh: Set[bytes],
    decided: Ignored,
) -> Iterator[Pair]:
    """Yield the matches of a new file, nearest first, without the files that are new and come later."""
    seen = {image.path}
    for tensor, errors in sorted(near, key=lambda other: nearness(other[1])):
        for old in shelves.get(rules.shelf(image, tensor), ()):
            if old.path in fresh or old.path in seen or rules.mismatch(image, old, errors, decided) is not None:
                continue
            level = rules.level(image, old, errors)
            assert level is not None
            seen.add(old.path)
            yield Pair(image, old, errors, level, rules.are_shots(image, old, level))


def _near(connection: Connection, rules: MatchRules, tensors: Sequence[int]) -> dict[int, list[tuple[int, Errors]]]:
    near = {tensor: [(tensor, SAME)] for tensor in tensors}
    for tensor, other, errors in matches.neighbours(connection, tensors, rules.criteria):
        near[tensor].append((other, errors))
    return near


def _around(
    connection: Connection, rules: MatchRules, tensors: Mapping[int, int], near: _Near
) -> tuple[dict[Shelf, list[Image]], set[Shelf]]:
    """Return the pictures that may match some files (id to tensor), by shelf, and the shelves that hold more."""
    images = _images(connection, rules, tensors)
    wanted = {rules.shelf(image, tensor) for image in images for tensor, _ in near[image.tensor]}
    crowded: set[Shelf] = set()
    ids = set(tensors)
    for place in wanted:
        like = pictures.files_like(connection, place.tensor, place.dimensions, _LIKE_EACH)
        ids.update(like)
        if len(like) == _LIKE_EACH:
            crowded.add(place)
    if len(ids) > len(tensors):
        images = _images(connection, rules, ids)
    shelves: dict[Shelf, list[Image]] = defaultdict(list)
    for image in images:
        shelves[rules.shelf(image)].append(image)
    return shelves, crowded


def _images(connection: Connection, rules: MatchRules, file_ids: Iterable[int]) -> list[Image]:
    return list(pictures.images(connection, rules.folders, rules.limits, rules.recipe_id, sorted(file_ids)))
