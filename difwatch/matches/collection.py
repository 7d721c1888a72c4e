"""The pictures that count and how they match, as groups and as pairs. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from difwatch.matches.groups import group_images
from difwatch.matches.neighbours import Neighbourhoods
from difwatch.matches.rules import MatchRules, Shelf
from difwatch.model.pictures import SAME, Group, Ignored, Image, Level, Neighbours, Pair


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
        The neighbours of each tensor, as far as matches reach.
    ignored
        Pairs of contents that a person said are no duplicates.
    since
        Only groups and pairs with a picture first seen at this moment or later count; None for all.
    """

    rules: MatchRules
    images: tuple[Image, ...] = ()
    near: Neighbours = field(default_factory=Neighbourhoods.none)
    ignored: Ignored = frozenset()
    since: datetime | None = None

    @property
    def px(self) -> int:
        """Side of the tensors."""
        return self.rules.px

    @property
    def threshold(self) -> float:
        """The mean squared error up to which pictures are similar, where a folder sets none of its own."""
        return self.rules.settings.threshold

    def groups(self, up_to: Level = "similar") -> list[Group]:
        """Return the groups of pictures that are at least so alike, scope by scope, best first.

        Every member directly matches its primary. Other shots are members only if ``act_on_shots`` says so.
        """
        return self._new(self._groups(up_to, self.rules.settings.act_on_shots))

    def copies_and_edited(self) -> tuple[list[Group], list[Group]]:
        """Return the groups of copies, and among the other pictures those of edited versions and other shots."""
        settings = self.rules.settings
        copies = self._groups("similar", settings.act_on_shots)
        if settings.act_on_shots and not (settings.edited or settings.mirror):
            return self._new(copies), []
        gone = {member.image.path for group in copies for member in group.members}
        left = replace(self, images=tuple(image for image in self.images if image.path not in gone))
        return self._new(copies), self._new(left._groups("edited", shots=True))

    def _groups(self, up_to: Level, shots: bool) -> list[Group]:
        scopes: dict[bytes, list[Image]] = defaultdict(list)
        for image in self.images:
            scopes[image.scope or b""].append(image)
        return [
            group
            for scope, images in sorted(scopes.items())
            for group in group_images(
                images, self.near, self.rules, self.rules.keep_in(scope), self.ignored, up_to, shots
            )
        ]

    def _new(self, groups: Iterable[Group]) -> list[Group]:
        return [
            group for group in groups if self._has_new(group.primary, *(member.image for member in group.members))
        ]

    def pairs(self) -> Iterator[Pair]:
        """Yield every pair of files that match, ordered by both paths, the smaller path first."""
        shelves: dict[Shelf, list[Image]] = defaultdict(list)
        for image in self.images:
            shelves[self.rules.shelf(image)].append(image)
        for a in sorted(self.images, key=lambda image: image.path):
            pairs: dict[bytes, Pair] = {}
            for tensor, errors in ((a.tensor, SAME), *self.near.get(a.tensor, ())):
                for b in shelves.get(self.rules.shelf(a, tensor), ()):
                    if a.path < b.path and self.rules.mismatch(a, b, errors, self.ignored) is None:
                        level = self.rules.level(a, b, errors)
                        assert level is not None
                        pairs.setdefault(b.path, Pair(a, b, errors, level, self.rules.are_shots(a, b, level)))
            yield from (pair for _, pair in sorted(pairs.items()) if self._has_new(pair.a, pair.b))

    def _has_new(self, *images: Image) -> bool:
        return self.since is None or any(image.seen is not None and image.seen >= self.since for image in images)
