"""The slow and obvious twin of everything that decides: plain loops, plain integers, no cleverness.

It shares no code with difwatch but the reading of a file into a tensor, which has tests of its own.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

import numpy as np

from difwatch.extensions import is_watched_name
from difwatch.imaging import DecodeError, make


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


def limit(threshold: float, values: int) -> int:
    return int((Decimal(str(threshold)) * values).to_integral_value(ROUND_FLOOR))


def sse(a: np.ndarray, b: np.ndarray) -> int:
    return int(((a.astype(np.int64) - b.astype(np.int64)) ** 2).sum())


def best_turn(a: np.ndarray, b: np.ndarray, rotate: bool) -> tuple[int, int]:
    """(SSE, degrees counter-clockwise that b is turned); the smallest angle among the best ones."""
    turns = range(4) if rotate else range(1)
    return min((sse(a, np.rot90(b, turn)), 90 * turn) for turn in turns)


def tensor_pairs(ids: list[int], tensors: np.ndarray, largest: int, rotate: bool) -> set[tuple[int, int, int, int]]:
    """All (a, b, SSE, rotation) with a < b within the limit."""
    found = set()
    for i, a in enumerate(ids):
        for j, b in enumerate(ids):
            if a < b:
                distance, turn = best_turn(tensors[i], tensors[j], rotate)
                if distance <= largest:
                    found.add((a, b, distance, turn))
    return found


def read_tree(root: bytes, px: int = 50, is_image_name: Callable[[bytes], bool] = is_watched_name) -> list[Picture]:
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
                picture = read_file(path, px)
            except DecodeError:
                continue
            known = found.get(identity)
            if known is None or path < known.path:
                found[identity] = picture
    return sorted(found.values(), key=lambda one: one.path)


def read_file(path: bytes, px: int = 50) -> Picture:
    with open(path, "rb") as file:
        data = file.read()
    status = os.lstat(path)
    made = make(data, px)
    digest = hashlib.blake2b(data, digest_size=32).digest()
    identity = (status.st_dev, status.st_ino)
    return Picture(path, digest, made.width, made.height, len(data), status.st_mtime_ns, identity, made.tensor)


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
