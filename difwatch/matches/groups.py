"""From pairs to groups: a best picture and all that directly match it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from difwatch import paths
from difwatch.matches.rules import MatchRules, is_ignored
from difwatch.model.pictures import LEVELS, SAME, Errors, Group, Ignored, Image, Level, Member, Neighbours
from difwatch.model.settings import KeepRule

KEEP_RULES: dict[KeepRule, Callable[[Image], object]] = {
    "pixels": lambda image: -image.width * image.height,
    "original": lambda image: (image.facts.format == "GIF") - bool(image.facts.camera) - bool(image.facts.taken),
    "bytes": lambda image: -image.size,
    "oldest": lambda image: image.mtime_ns,
    "newest": lambda image: -image.mtime_ns,
    "folder": lambda image: image.position,
    "path": lambda image: (image.path.count(b"/"), len(paths.name(image.path)), image.path),
}
"""What makes one picture better than another; the first rule that differs between two pictures decides.

An original has the camera and the time in its EXIF; one of them is better than neither, and a GIF, which has 256
colours, comes last. Of two paths the one with
fewer directories is better, then the one with the shorter name: a mark of a copy, such as " (1)" or "Copy of", makes
a name longer.
"""


class Groups(Protocol):
    """Groups, best first, and what they amount to.

    Attributes
    ----------
    members
        The number of pictures that are not the best of their group.
    bytes
        The bytes of their files.
    shots
        The number of those that are other shots.
    """

    @property
    def members(self) -> int: ...

    @property
    def bytes(self) -> int: ...

    @property
    def shots(self) -> int: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Group]: ...


_Bucket = tuple[int, tuple[int, int], bytes]
"""A tensor, and the sizes and the content that pictures must share."""


def is_hidden(image: Image) -> bool:
    """Tell whether a picture has no name without a hidden part."""
    return all(map(paths.is_hidden, (image.path, *image.links)))


def keep_order(images: Iterable[Image], keep: Sequence[KeepRule]) -> list[Image]:
    """Return pictures with the best first.

    Files of reference folders lead. A path with a hidden part (one that begins with a dot) comes after those without.
    The path decides where the rules do not.
    """
    rules = [KEEP_RULES[name] for name in keep] + [KEEP_RULES["path"]]
    return sorted(images, key=lambda image: (not image.reference, is_hidden(image), *(rule(image) for rule in rules)))


def group_images(
    images: Iterable[Image],
    neighbours: Neighbours,
    rules: MatchRules,
    keep: Sequence[KeepRule],
    ignored: Ignored = frozenset(),
    up_to: Level = "edited",
    shots: bool = True,
) -> list[Group]:
    """Group the pictures of one scope.

    In keep order, the best picture not yet placed becomes a primary, and every picture not yet placed that
    matches *this primary* joins its group. A pair counts by the stricter of the limits of its two pictures.
    Pictures of one tensor, size and limit wait and join together, so the time grows with the pictures and with
    the pairs of tensors, not with the pairs of pictures.

    Parameters
    ----------
    images
        Readable pictures, each file once.
    neighbours
        Pairs of distinct tensors; those that do not match are ignored.
    rules
        What counts as a match.
    keep
        Names from `KEEP_RULES`.
    ignored
        Pairs of contents that are not grouped.
    up_to
        The least alike that are grouped.
    shots
        Whether pictures that were taken at different moments are grouped.

    Returns
    -------
    list of Group
        In keep order of the primaries; only groups with members.
    """
    order = keep_order(images, keep)
    rank = {image.path: number for number, image in enumerate(order)}

    def bucket(tensor: int, image: Image) -> _Bucket:
        dimensions = image.dimensions if rules.settings.same_dim else (0, 0)
        return tensor, dimensions, image.digest if up_to == "identical" else b""

    waiting: dict[_Bucket, dict[int, list[Image]]] = defaultdict(lambda: defaultdict(list))
    for image in order:
        if not image.reference:
            waiting[bucket(image.tensor, image)][image.limit].append(image)
    joins = _Joins(rules, ignored, LEVELS[: LEVELS.index(up_to) + 1], shots)
    groups = []
    for primary in order:
        if primary.path in joins.placed:
            continue
        joins.begin(primary)
        members: list[Member] = []
        nearest_first = sorted(neighbours.get(primary.tensor, ()), key=lambda near: (nearness(near[1]), near[0]))
        for tensor, errors in ((primary.tensor, SAME), *nearest_first):
            if by_limit := waiting.get(bucket(tensor, primary)):
                members += joins.members(primary, by_limit, errors)
        if members:
            members.sort(key=lambda member: (*_distance(member), rank[member.image.path]))
            groups.append(Group(primary, tuple(members)))
    return groups


def nearness(errors: Errors) -> tuple[bool, bool, int, int]:
    """Return what orders the neighbours of a picture, the nearest one first."""
    return (errors.mirrored, errors.sse < 0, errors.sse, errors.tone)


def _distance(member: Member) -> tuple[bool, bool, int]:
    errors, is_edited = member.errors, member.level == "edited"
    return (is_edited, errors.mirrored, errors.tone if is_edited and errors.tone >= 0 else errors.sse)


class _Joins:
    """Who is placed already, and who joins whom."""

    def __init__(self, rules: MatchRules, ignored: Ignored, levels: Sequence[Level], shots: bool) -> None:
        self._rules = rules
        self._ignored = ignored
        self._levels = levels
        self._shots = shots
        self._dated: Image | None = None
        self.placed: set[bytes] = set()

    def begin(self, primary: Image) -> None:
        """Begin the group of a primary, whose pictures are those of one moment."""
        self.placed.add(primary.path)
        self._dated = primary if primary.facts.taken else None

    def members(self, primary: Image, by_limit: dict[int, list[Image]], errors: Errors) -> Iterator[Member]:
        """Yield those that join a primary, and leave the others of a bucket waiting."""
        for limit in list(by_limit):
            if errors.sse != 0 and self._rules.alike(errors, min(limit, primary.limit)) not in self._levels:
                continue
            waiting = [image for image in by_limit.pop(limit) if image.path not in self.placed]
            apart = []
            for image in waiting:
                level = self._rules.level(primary, image, errors)
                if level is None or level not in self._levels or is_ignored(primary, image, self._ignored):
                    apart.append(image)
                    continue
                is_shot = self._dated is not None and self._rules.are_shots(self._dated, image, level)
                if is_shot and not self._shots:
                    apart.append(image)
                    continue
                if self._dated is None and image.facts.taken:
                    self._dated = image
                self.placed.add(image.path)
                yield Member(image, errors, level, is_shot)
            if apart:
                by_limit[limit] = apart
