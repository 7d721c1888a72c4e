"""From pairs to groups: a best picture and all that are directly within the threshold of it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from difwatch import paths
from difwatch.matches.rules import is_ignored, level
from difwatch.model.pictures import Group, Ignored, Image, Member
from difwatch.model.settings import KeepRule

KEEP_RULES: dict[KeepRule, Callable[[Image], object]] = {
    "pixels": lambda image: -image.width * image.height,
    "bytes": lambda image: -image.size,
    "oldest": lambda image: image.mtime_ns,
    "newest": lambda image: -image.mtime_ns,
    "path": lambda image: (image.path.count(b"/"), len(paths.name(image.path)), image.path),
}
"""What makes one picture better than another; the first rule that differs between two pictures decides.

Of two paths the one with fewer directories is better, then the one with the shorter name: a mark of a copy, such as
" (1)" or "Copy of", makes a name longer.
"""

_Bucket = tuple[int, tuple[int, int]]
"""A tensor, and the sizes that pictures must share."""


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
    neighbours: Mapping[int, Sequence[tuple[int, int, int]]],
    same_dim: bool,
    keep: Sequence[KeepRule],
    ignored: Ignored = frozenset(),
) -> list[Group]:
    """Group the pictures of one scope.

    In keep order, the best picture not yet placed becomes a primary, and every picture not yet placed that is
    within the threshold *of this primary* joins its group. A pair counts when it is within the stricter of the
    limits of its two pictures. Pictures of one tensor, size and limit wait and join together, so the time grows
    with the pictures and with the pairs of tensors, not with the pairs of pictures.

    Parameters
    ----------
    images
        Readable pictures, each file once.
    neighbours
        Pairs of distinct tensors, as in `difwatch.model.pictures.Neighbours`; those beyond the limits are ignored.
    same_dim
        Group only pictures whose ascending (width, height) are equal.
    keep
        Names from `KEEP_RULES`.
    ignored
        Pairs of contents that are not grouped.

    Returns
    -------
    list of Group
        In keep order of the primaries; only groups with members.
    """
    order = keep_order(images, keep)
    rank = {image.path: number for number, image in enumerate(order)}
    waiting: dict[_Bucket, dict[int, list[Image]]] = defaultdict(lambda: defaultdict(list))
    for image in order:
        if not image.reference:
            waiting[_bucket(image.tensor, image, same_dim)][image.limit].append(image)
    placed: set[bytes] = set()
    groups = []
    for primary in order:
        if primary.path in placed:
            continue
        placed.add(primary.path)
        members: list[Member] = []
        for tensor, sse, rotation in ((primary.tensor, 0, 0), *neighbours.get(primary.tensor, ())):
            if by_limit := waiting.get(_bucket(tensor, primary, same_dim)):
                members += _join(primary, by_limit, sse, rotation, placed, ignored)
        if members:
            members.sort(key=lambda member: (member.sse, rank[member.image.path]))
            groups.append(Group(primary, tuple(members)))
    return groups


def _bucket(tensor: int, image: Image, same_dim: bool) -> _Bucket:
    return (tensor, image.dimensions if same_dim else (0, 0))


def _join(
    primary: Image, by_limit: dict[int, list[Image]], sse: int, rotation: int, placed: set[bytes], ignored: Ignored
) -> Iterator[Member]:
    for limit in [limit for limit in by_limit if sse <= min(limit, primary.limit)]:
        images = by_limit.pop(limit)
        if apart := [image for image in images if is_ignored(primary, image, ignored)]:
            by_limit[limit] = apart
        for image in images:
            if image.path not in placed and not is_ignored(primary, image, ignored):
                placed.add(image.path)
                yield Member(image, sse, rotation, level(primary, image, sse))
