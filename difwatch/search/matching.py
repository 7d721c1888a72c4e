"""Which pictures match, given how far apart their tensors are."""

from __future__ import annotations

from typing import NamedTuple

from difwatch.model import Image, Settings


class Shelf(NamedTuple):
    """A tensor, and what two pictures must have in common besides: the scope, and with ``same_dim`` the sizes."""

    tensor: int
    scope: bytes | None
    dimensions: tuple[int, int] | None


def shelf(image: Image, settings: Settings, tensor: int | None = None) -> Shelf:
    """Where a picture belongs, or where those of another tensor belong that may match it."""
    dimensions = image.dimensions if settings.same_dim else None
    return Shelf(image.tensor if tensor is None else tensor, image.scope, dimensions)


Ignored = frozenset[tuple[bytes, bytes]]
"""Pairs of digests, the smaller one first, that a person said are no duplicates."""


def is_ignored(a: Image, b: Image, ignored: Ignored) -> bool:
    """Tell whether a person said that two pictures are no duplicates."""
    return bool(ignored) and (min(a.digest, b.digest), max(a.digest, b.digest)) in ignored


def is_match(a: Image, b: Image, sse: int, settings: Settings, ignored: Ignored) -> bool:
    """Tell whether two files whose tensors are ``sse`` apart are a match."""
    return (
        a.path != b.path
        and shelf(a, settings, 0) == shelf(b, settings, 0)
        and sse <= min(a.limit, b.limit)
        and (settings.compare_references or not (a.reference and b.reference))
        and not is_ignored(a, b, ignored)
    )


def level(a: Image, b: Image, sse: int) -> str:
    """Name how alike two matching pictures are: identical, duplicate or similar."""
    if a.digest == b.digest:
        return "identical"
    return "duplicate" if sse == 0 else "similar"
