"""Groups and pairs of files, from the matches of tensors in the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from difwatch.errors import UsageError
from difwatch.model import Folder, Group, Image, Pair, Remembered, Settings
from difwatch.search.distance import mse_limit
from difwatch.search.groups import group_images
from difwatch.search.matching import Ignored, Shelf, is_match, level, shelf
from difwatch.store import folders, ignored, matches, settings


@dataclass(frozen=True, slots=True)
class Summary:
    """The pictures that count and how they match, under some settings.

    Only what has to do with pictures that were first seen at ``since`` (ISO 8601) or later, where it is given.
    ``near`` lists for each tensor (other tensor, SSE, degrees that turn the other onto it);
    ``values`` is how many values a tensor has, so that MSE = SSE / values.
    """

    settings: Settings
    recipe: str
    px: int
    folders: dict[int, Folder]
    images: tuple[Image, ...]
    near: dict[int, list[tuple[int, int, int]]]
    ignored: Ignored = frozenset()
    since: str | None = None

    @property
    def values(self) -> int:
        return 3 * self.px * self.px

    def groups(self) -> list[Group]:
        """The groups, scope by scope, best first; every member is within the threshold of its primary."""
        scopes: dict[bytes, list[Image]] = defaultdict(list)
        for image in self.images:
            scopes[image.scope or b""].append(image)
        found = [
            group
            for scope, images in sorted(scopes.items())
            for group in group_images(
                images,
                self.near,
                self.settings.same_dim,
                self.keep_in(scope),
                self.ignored,
            )
        ]
        return [one for one in found if self._has_new(one.primary, *(member.image for member in one.members))]

    def keep_in(self, scope: bytes | None) -> tuple[str, ...]:
        """The rules by which the better of two pictures of a scope is kept."""
        keeps = {one.path: one.keep for one in self.folders.values() if one.keep}
        return _keep_of(scope or b"", keeps) or self.settings.keep

    def _has_new(self, *images: Image) -> bool:
        return self.since is None or any(image.seen is not None and image.seen >= self.since for image in images)

    def pairs(self) -> Iterator[Pair]:
        """Every pair of files within the threshold, ordered by both paths, the smaller path first."""
        shelves: dict[Shelf, list[Image]] = defaultdict(list)
        for image in self.images:
            shelves[shelf(image, self.settings)].append(image)
        for a in sorted(self.images, key=lambda image: image.path):
            found = [
                Pair(a, b, sse, rotation, level(a, b, sse))
                for tensor, sse, rotation in ((a.tensor, 0, 0), *self.near.get(a.tensor, ()))
                for b in shelves.get(shelf(a, self.settings, tensor), ())
                if a.path < b.path and is_match(a, b, sse, self.settings, self.ignored)
            ]
            yield from (pair for pair in sorted(found, key=lambda pair: pair.b.path) if self._has_new(pair.a, pair.b))


def _keep_of(scope: bytes, keeps: dict[bytes, tuple[str, ...]]) -> tuple[str, ...] | None:
    owners = [path for path in keeps if scope == path or scope.startswith(path + b"/")]
    return keeps[max(owners, key=len)] if owners else None


def summarize(
    connection: Connection,
    threshold: float | None = None,
    within: bytes | None = None,
    around: Sequence[bytes] | None = None,
) -> Summary:
    """Read what is needed for groups and pairs.

    Parameters
    ----------
    connection
        One view of the store.
    threshold
        A mean squared error instead of the configured ones.
    within
        Only pictures below this directory.
    around
        Only the pictures at these paths and all that hang together with them by matches: their groups are what
        they are among all pictures.

    Raises
    ------
    UsageError
        Pairs are not remembered up to this threshold.
    """
    matching = settings.get_matching(connection)
    now = settings.get_in_force(connection)
    if now is None:
        return Summary(matching, "exact", 50, {}, (), {})
    if threshold is not None and threshold > now.remembered.mse:
        raise UsageError(f"--threshold {threshold:g}: {_too_far(threshold, now.remembered)}")
    in_force = folders.in_force(connection)
    own = {id_: matching.threshold if one.similarity is None else one.similarity for id_, one in in_force.items()}
    limits = {id_: mse_limit(mse if threshold is None else threshold, now.values) for id_, mse in own.items()}
    largest = max(limits.values(), default=0)
    file_ids = None if around is None else _hanging_together(connection, around, largest, matching.rotate)
    images = [
        image
        for image in matches.images(connection, in_force, limits, now.recipe_id, file_ids)
        if within is None or any(path.startswith(within.rstrip(b"/") + b"/") for path in (image.path, *image.links))
    ]
    near: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    if around is None:
        for a, b, sse, rotation, back in matches.within(connection, now.recipe_id, largest, matching.rotate):
            near[a].append((b, sse, rotation))
            near[b].append((a, sse, back))
    else:
        tensors = sorted({image.tensor for image in images})
        for tensor, other, sse, rotation in matches.neighbours(connection, tensors, largest, matching.rotate):
            near[tensor].append((other, sse, rotation))
    if threshold is not None:
        matching = replace(matching, threshold=threshold)
    return Summary(matching, now.recipe, now.px, in_force, tuple(images), dict(near), ignored.pairs(connection))


def _hanging_together(connection: Connection, paths: Sequence[bytes], limit: int, rotate: bool) -> list[int]:
    """The files of the tensors that are reached from some paths by matches."""
    reached: set[int] = set()
    fresh = {tensor for _, tensor in matches.files_with_tensors(connection, paths)}
    while fresh:
        reached |= fresh
        found = matches.neighbours(connection, sorted(fresh), limit, rotate)
        fresh = {other for _, other, _, _ in found} - reached
    return [id_ for tensor in sorted(reached) for id_ in matches.files_like(connection, tensor, None, -1)]


def _too_far(threshold: float, remembered: Remembered) -> str:
    text = f"pairs are remembered up to an MSE of {remembered.mse:g}"
    if remembered.most is not None and threshold <= remembered.wanted:
        return (
            f"{text}, because there were more than {remembered.most} up to {remembered.wanted:g}; "
            "set a larger max_pairs in the configuration and start 'difwatch watch' again"
        )
    return f"{text}; set remember_up_to = {threshold:g} in the configuration and start 'difwatch watch' again"
