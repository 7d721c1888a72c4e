"""The pairs of a folder by brute force, quick enough for thousands of pictures, and those that a store has."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from tests.support import naive
from tests.support.running import difwatch, path_of

_FLAGS = ("--same-dim", "--no-mirror")

Pair = tuple[bytes, bytes, int, int]
"""Two paths in order, the SSE, and the degrees that the second is turned."""


def true_pairs(folder: Path, px: int, mse: float) -> set[Pair]:
    """Every pair of pictures of one size within an error, at the best of four turns."""
    pictures = naive.read_tree(os.fsencode(folder), px, recipe="fast")
    rows = np.stack([picture.tensor.reshape(-1) for picture in pictures]).astype(np.int64)
    turned = [
        np.stack([np.rot90(picture.tensor, turn).reshape(-1) for picture in pictures]).astype(np.int64)
        for turn in range(4)
    ]
    largest, found = naive.limit(mse, rows.shape[1]), set()
    for place, row in enumerate(rows):
        distances = np.stack([((others[place + 1 :] - row) ** 2).sum(axis=1) for others in turned])
        best = distances.min(axis=0)
        for other in np.flatnonzero(best <= largest):
            a, b = pictures[place], pictures[place + 1 + other]
            if sorted((a.width, a.height)) == sorted((b.width, b.height)):
                found.add((a.path, b.path, int(best[other]), 90 * int(distances[:, other].argmin())))
    return found


def stored_pairs(state: Path, mse: float) -> set[Pair]:
    """The pairs that ``report`` prints."""
    said = difwatch(state, "report", "--pairs", "--format", "json", "--threshold", str(mse), *_FLAGS).stdout
    return {
        (path_of(pair, "a"), path_of(pair, "b"), pair["sse"], pair["rotation"]) for pair in json.loads(said)["pairs"]
    }
