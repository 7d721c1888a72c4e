"""The log lines about what has just been kept."""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection

from difwatch.model import Folder, Image, Pair, Unreadable
from difwatch.search.groups import level
from difwatch.store import matches

log = logging.getLogger(__name__)

_MATCHES_PER_FILE = 10
_LIKE_EACH = 100  # files of one tensor that are looked at
_GONE_LINES = 20


@dataclass(frozen=True, slots=True)
class Matching:
    """What counts as a match now: the folders by id, their limits (SSE), and the recipe."""

    folders: Mapping[int, Folder]
    limits: Mapping[int, int]
    rotate: bool
    same_dim: bool
    recipe_id: int
    values: int


def new_matches(connection: Connection, matching: Matching, paths: Sequence[bytes]) -> dict[bytes, list[Pair]]:
    """Matches of new files with those that were there before, nearest first; of two new ones, once.

    Of each file only so many are given that it can be told whether there are more than are worth a line; so a
    thousand copies of one picture cost a thousand times as much as one.
    """
    fresh = set(paths)
    files = matches.files_with_tensors(connection, paths)
    tensors = sorted({tensor for _, tensor in files})
    limit = max(matching.limits.values(), default=0)
    near: dict[int, list[tuple[int, int, int]]] = {tensor: [(0, tensor, 0)] for tensor in tensors}
    for tensor, other, sse, rotation in matches.neighbours(connection, tensors, limit, matching.rotate):
        near[tensor].append((sse, other, rotation))
    wanted = {other for found in near.values() for _, other, _ in found}
    ids = {id_ for id_, _ in files}.union(matches.files_like(connection, wanted, _LIKE_EACH))
    by_tensor: dict[int, list[Image]] = defaultdict(list)
    for image in matches.images(connection, matching.folders, matching.limits, matching.recipe_id, sorted(ids)):
        by_tensor[image.tensor].append(image)
    for images in by_tensor.values():
        images.sort(key=lambda image: (image.path in fresh, image.path))
    found: dict[bytes, list[Pair]] = {}
    for new in sorted((image for images in by_tensor.values() for image in images), key=lambda one: one.path):
        if new.path not in fresh:
            continue
        fresh.discard(new.path)
        pairs = (
            Pair(new, old, sse, rotation, level(new, old, sse))
            for sse, tensor, rotation in sorted(near[new.tensor])
            for old in by_tensor[tensor]
            if old.path not in fresh and _matches(new, old, sse, matching.same_dim)
        )
        if some := list(islice(pairs, _MATCHES_PER_FILE + 1)):
            found[new.path] = some
    return found


def _matches(new: Image, old: Image, sse: int, same_dim: bool) -> bool:
    return (
        new.path != old.path
        and new.scope == old.scope
        and sse <= min(new.limit, old.limit)
        and (not same_dim or new.dimensions == old.dimensions)
    )


def announce_matches(found: Mapping[bytes, Sequence[Pair]], values: int) -> None:
    """Log matches: for each new file its nearest ones, and how many more there are."""
    for path, pairs in found.items():
        for pair in pairs[:_MATCHES_PER_FILE]:
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
        if len(pairs) > _MATCHES_PER_FILE:
            log.info("match %s and more like it: see 'difwatch report'", os.fsdecode(path))


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
