"""The slow and obvious twin of everything that decides: plain loops, plain integers, no cleverness.

It shares no code with difwatch but the reading of a file into a tensor, which has tests of its own.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

import numpy as np

from difwatch.extensions import is_watched_name
from difwatch.imaging.decode import DecodeError
from difwatch.imaging.recipe import make


@dataclass(frozen=True)
class Picture:
    path: bytes
    digest: bytes
    width: int
    height: int
    size: int
    mtime_ns: int
    identity: tuple[int, int]
    tensor: np.ndarray
    tones: tuple[np.ndarray, ...]


def limit(threshold: float, values: int) -> int:
    return int((Decimal(str(threshold)) * values).to_integral_value(ROUND_FLOOR))


def sse(a: np.ndarray, b: np.ndarray) -> int:
    return int(((a.astype(np.int64) - b.astype(np.int64)) ** 2).sum())


def orient(tensor: np.ndarray, orientation: int) -> np.ndarray:
    """Four turns, and four turns of the mirrored picture."""
    return np.rot90(np.fliplr(tensor) if orientation >= 4 else tensor, orientation % 4)


def admitted(rotate: bool, mirror: bool = False) -> list[int]:
    return [number for number in range(8) if (rotate or number % 4 == 0) and (mirror or number < 4)]


def best_turn(a: np.ndarray, b: np.ndarray, rotate: bool) -> tuple[int, int]:
    """(SSE, degrees counter-clockwise that b is turned); the smallest angle among the best ones."""
    return min((sse(a, orient(b, turn)), 90 * turn) for turn in admitted(rotate))


def tensor_pairs(
    ids: list[int], tensors: np.ndarray, largest: int, rotate: bool, mirror: bool = False
) -> set[tuple[int, int, int, int]]:
    """All (a, b, SSE, degrees that turn b onto a) with a < b within the limit.

    With ``mirror`` the SSE may be that of a mirrored picture, but the degrees are those of the best turn without.
    """
    found = set()
    for i, a in enumerate(ids):
        for j, b in enumerate(ids):
            if a < b:
                error = min(sse(tensors[i], orient(tensors[j], number)) for number in admitted(rotate, mirror))
                distance, degrees = best_turn(tensors[i], tensors[j], rotate)
                if error <= largest:
                    found.add((a, b, error, degrees if distance <= largest else 0))
    return found


def tone(tensor: np.ndarray) -> np.ndarray | None:
    """What is left without brightness, contrast and colour; None of a flat picture."""
    luma = [[int(299 * int(r) + 587 * int(g) + 114 * int(b)) for r, g, b in row] for row in tensor]
    values = [value for row in luma for value in row]
    count = len(values)
    spread = count * sum(value * value for value in values) - sum(values) ** 2
    if spread < (4 * 1000 * count) ** 2:
        return None
    deviation = math.sqrt(spread)
    rows = [[128 + round(16 * (count * value - sum(values)) / deviation) for value in row] for row in luma]
    return np.clip(np.array(rows), 0, 255).astype(np.uint8)


def tone_sse(a: list[np.ndarray], b: list[np.ndarray], orientation: int) -> int | None:
    """The smallest error over the tones of two pictures in one orientation; None where one of them has none."""
    return min((sse(one, orient(other, orientation)) for one in a for other in b), default=None)


def read_tree(
    root: bytes, px: int = 50, is_image_name: Callable[[bytes], bool] = is_watched_name, recipe: str = "exact"
) -> list[Picture]:
    """Every readable picture below a folder, hard links once, by path."""
    found: dict[tuple[int, int], Picture] = {}
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            identity = (status.st_dev, status.st_ino)
            if os.path.islink(path) or not os.path.isfile(path) or not is_image_name(path):
                continue
            try:
                picture = read_file(path, px, recipe)
            except DecodeError:
                continue
            known = found.get(identity)
            if known is None or path < known.path:
                found[identity] = picture
    return sorted(found.values(), key=lambda one: one.path)


def read_file(path: bytes, px: int = 50, recipe: str = "exact") -> Picture:
    with open(path, "rb") as file:
        data = file.read()
    status = os.lstat(path)
    made = make(data, px, recipe)
    digest = hashlib.blake2b(data, digest_size=32).digest()
    identity = (status.st_dev, status.st_ino)
    inner = [tone(one) for one in (made.tensor, made.inside) if one is not None]
    tones = tuple(one for one in inner if one is not None) if inner[0] is not None else ()
    return Picture(path, digest, made.width, made.height, len(data), status.st_mtime_ns, identity, made.tensor, tones)


def keep_order(one: Picture) -> tuple:
    hidden = any(part.startswith(b".") for part in one.path.split(b"/"))
    return (
        hidden,
        -one.width * one.height,
        -one.size,
        one.mtime_ns,
        one.path.count(b"/"),
        len(os.path.basename(one.path)),
        one.path,
    )


def scope(path: bytes, roots: list[bytes], in_folder: bool | str) -> bytes | None:
    if in_folder == "every":
        return os.path.dirname(path)
    if in_folder:
        return next(root for root in roots if path.startswith(root + b"/"))
    return None


def file_pairs(
    pictures: list[Picture],
    threshold: float,
    rotate: bool,
    same_dim: bool,
    in_folder: bool | str = False,
    roots: list[bytes] | None = None,
) -> dict[tuple[bytes, bytes], tuple[int, int]]:
    """Every pair of files (a < b by path) within the threshold: to (SSE, rotation)."""
    found = {}
    for a in pictures:
        for b in pictures:
            if a.path >= b.path:
                continue
            if same_dim and sorted((a.width, a.height)) != sorted((b.width, b.height)):
                continue
            if scope(a.path, roots or [], in_folder) != scope(b.path, roots or [], in_folder):
                continue
            distance, turn = best_turn(a.tensor, b.tensor, rotate)
            if distance <= limit(threshold, a.tensor.size):
                found[a.path, b.path] = (distance, turn)
    return found


@dataclass(frozen=True)
class Match:
    level: str
    sse: int
    tone: int | None
    rotation: int
    tone_rotation: int
    mirrored: bool


def file_matches(
    pictures: list[Picture],
    mse: float,
    *,
    nmse: float = 0.03,
    edited: bool = True,
    rotate: bool = True,
    mirror: bool = True,
    same_dim: bool = False,
) -> dict[tuple[bytes, bytes], Match]:
    """Every pair of files (a < b by path) that match by both errors."""
    found = {}
    for a in pictures:
        for b in pictures:
            if a.path >= b.path or (same_dim and sorted((a.width, a.height)) != sorted((b.width, b.height))):
                continue
            views = [number for number in range(8) if rotate or number % 4 == 0]
            for mirrored in (False, True) if mirror else (False,):
                some = [number for number in views if (number >= 4) == mirrored]
                one = match(a, b, some, limit(mse, a.tensor.size), limit(nmse, 256 * a.tensor.size // 3), edited)
                if one is not None and (a.path, b.path) not in found:
                    found[a.path, b.path] = one
    return found


def matched(pictures: list[Picture]) -> dict[tuple[bytes, bytes], tuple[int, int]]:
    """Every pair that matches by the defaults of ``watch``: to (SSE, rotation)."""
    return {pair: (one.sse, one.rotation) for pair, one in file_matches(pictures, 20).items()}


def match(a: Picture, b: Picture, orientations: list[int], most: int, most_tone: int, edited: bool) -> Match | None:
    sse_, turn = min((sse(a.tensor, orient(b.tensor, number)), number) for number in orientations)
    errors = [(tone_sse(list(a.tones), list(b.tones), number), number) for number in orientations]
    near = [(error, number) for error, number in errors if error is not None and error <= most_tone]
    tone_, tone_turn = min(near) if near else (None, 0)
    mirrored = turn >= 4
    if sse_ and tone_ is None:
        return None
    if sse_ <= most:
        level = "identical" if a.digest == b.digest else "edited" if mirrored else "similar" if sse_ else "duplicate"
    elif edited:
        level = "edited"
    else:
        return None
    return Match(level, sse_, tone_, 90 * (turn % 4), 90 * (tone_turn % 4), mirrored)


def groups(pictures: list[Picture], pairs: dict[tuple[bytes, bytes], tuple[int, int]]) -> dict[bytes, set[bytes]]:
    """Primary to members: in keep order, the best picture not yet placed takes all unplaced direct matches."""
    order = sorted(pictures, key=keep_order)
    placed: set[bytes] = set()
    found = {}
    for primary in order:
        if primary.path in placed:
            continue
        placed.add(primary.path)
        members = {
            other.path
            for other in order
            if other.path not in placed and (min(primary.path, other.path), max(primary.path, other.path)) in pairs
        }
        placed |= members
        if members:
            found[primary.path] = members
    return found
