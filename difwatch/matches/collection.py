"""The pictures that count and how they match, as groups and as pairs. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from difwatch.matches.groups import group_images
from difwatch.matches.rules import MatchRules, Shelf, level
from difwatch.model.pictures import Group, Ignored, Image, Neighbours, Pair


@dataclass(frozen=True, slots=True)
class Collection:
    """Pictures, and the distances between their tensors.

    Attributes
    ----------
    rules
        What counts as a match.
    images
        Each file once, hard links joined.
    near
        The neighbours of each tensor, up to the limits.
    ignored
        Pairs of contents that a person said are no duplicates.
    since
        Only groups and pairs with a picture first seen at this moment or later count; None for all.
    """

    rules: MatchRules
    images: tuple[Image, ...] = ()
    near: Neighbours = field(default_factory=dict)
    ignored: Ignored = frozenset()
    since: datetime | None = None

    @property
    def values(self) -> int:
        """Number of values in a tensor: MSE = SSE / values."""
        return self.rules.values

    @property
    def threshold(self) -> float:
        """The mean squared error up to which pictures match, where a folder sets none of its own."""
        return self.rules.settings.threshold

    def groups(self) -> list[Group]:
        """Return the groups, scope by scope, best first; every member is within the threshold of its primary."""
        scopes: dict[bytes, list[Image]] = defaultdict(list)
        for image in self.images:
            scopes[image.scope or b""].append(image)
        same_dim = self.rules.settings.same_dim
        return [
            group
            for scope, images in sorted(scopes.items())
            for group in group_images(images, self.near, same_dim, self.rules.keep_in(scope), self.ignored)
            if self._has_new(group.primary, *(member.image for member in group.members))
        ]

    def pairs(self) -> Iterator[Pair]:
        """Yield every pair of files within the threshold, ordered by both paths, the smaller path first."""
        shelves: dict[Shelf, list[Image]] = defaultdict(list)
        for image in self.images:
            shelves[self.rules.shelf(image)].append(image)
        for a in sorted(self.images, key=lambda image: image.path):
            pairs = [
                Pair(a, b, sse, rotation, level(a, b, sse))
                for tensor, sse, rotation in ((a.tensor, 0, 0), *self.near.get(a.tensor, ()))
                for b in shelves.get(self.rules.shelf(a, tensor), ())
                if a.path < b.path and self.rules.mismatch(a, b, sse, self.ignored) is None
            ]
            pairs.sort(key=lambda pair: pair.b.path)
            yield from (pair for pair in pairs if self._has_new(pair.a, pair.b))

    def _has_new(self, *images: Image) -> bool:
        return self.since is None or any(image.seen is not None and image.seen >= self.since for image in images)
