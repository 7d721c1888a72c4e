"""Why two picture files do or do not match, from the files themselves."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from difwatch.errors import UsageError
from difwatch.imaging import DecodeError, make
from difwatch.model import Image, Settings
from difwatch.report.text import shown_path
from difwatch.search.distance import TURNS, mse_limit, sse_of_turns
from difwatch.search.groups import KEEP_RULES, keep_order
from difwatch.search.matching import level


@dataclass(frozen=True, slots=True)
class _Read:
    image: Image
    tensor: NDArray[np.uint8]
    identity: tuple[int, int]


def explain(a: bytes, b: bytes, settings: Settings, px: int, recipe: str = "exact") -> Iterator[str]:
    """Compare two files rule by rule.

    Parameters
    ----------
    a, b
        Paths.
    settings
        What counts as a match.
    px
        Side of the tensors.
    recipe
        How they are made.

    Yields
    ------
    str
        A line each.

    Raises
    ------
    UsageError
        One of them cannot be read as a picture.
    """
    one, two = _read(a, px, recipe), _read(b, px, recipe)
    for read in (one, two):
        image = read.image
        yield f"{shown_path(image.path)}"
        yield f"  {image.width}x{image.height} pixels, {image.size} bytes, digest {image.digest.hex()[:16]}"
    yield from _verdict(one, two, settings, px)


def _verdict(one: _Read, two: _Read, settings: Settings, px: int) -> Iterator[str]:
    values = 3 * px * px
    distances = sse_of_turns(one.tensor, two.tensor)
    turns = len(TURNS) if settings.rotate else 1
    yield "bytes: " + ("identical" if one.image.digest == two.image.digest else "different")
    for turn, sse in zip(TURNS[:turns], distances.tolist(), strict=False):
        yield f"MSE with the second turned by {turn}°: {sse / values:.6g} (SSE {sse})"
    best = int(distances[:turns].min())
    limit = mse_limit(settings.threshold, values)
    if one.identity == two.identity:
        yield "no match: both are names of one and the same file (hard links)"
    elif best > limit:
        yield f"no match: the smallest SSE, {best}, is above {limit} (an MSE of {settings.threshold:g})"
    elif settings.same_dim and one.image.dimensions != two.image.dimensions:
        yield "no match: their sizes differ, and same_dim is on (--no-same-dim compares them)"
    else:
        yield f"match: {level(one.image, two.image, best)}, SSE {best} is not above {limit}"
        yield _kept(one.image, two.image, settings)


def _kept(one: Image, two: Image, settings: Settings) -> str:
    first, second = keep_order((one, two), settings.keep)
    rule = next(name for name in (*settings.keep, "path") if KEEP_RULES[name](first) != KEEP_RULES[name](second))
    return f"kept: {shown_path(first.path)} (better by {rule})"


def _read(path: bytes, px: int, recipe: str) -> _Read:
    try:
        found = os.stat(path)  # noqa: PTH116  (bytes have no Path)
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(f"{shown_path(path)}: this is not a file")
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read()
        made = make(data, px, recipe)
    except OSError as error:
        raise UsageError(f"{shown_path(path)}: cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise UsageError(f"{shown_path(path)}: {error}") from error
    digest = hashlib.blake2b(data, digest_size=32).digest()
    image = Image(path, 0, digest, made.width, made.height, len(data), found.st_mtime_ns)
    return _Read(image, made.tensor, (found.st_dev, found.st_ino))
