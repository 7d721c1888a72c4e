"""What the pictures of a build look like: their distinct tensors, and all that is searched."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from difwatch.compare.sketch import Block
from difwatch.compare.tensor_sketch import TENSOR_SKETCH
from difwatch.compare.tone_sketch import TONE_SKETCH
from difwatch.model.jobs import Tensorized

_IN_MEMORY = 2 << 30  # bytes of tensors; more are kept in a temporary file


class Looks:
    """Distinct appearances, numbered; tensors are in memory or in a temporary file.

    It has the tensors and second tones that are compared: `difwatch.compare.by_tone.Pixels`.

    Parameters
    ----------
    most
        Number of appearances at most.
    px
        Side of the tensors.
    """

    def __init__(self, most: int, px: int) -> None:
        shape = (most, 3 * px * px)
        if most * shape[1] <= _IN_MEMORY:
            self._rows: NDArray[np.uint8] = np.empty(shape, np.uint8)
        else:
            with tempfile.TemporaryFile() as file:
                self._rows = np.memmap(file, np.uint8, "w+", shape=shape)
        self._sketches = np.empty((most, TENSOR_SKETCH.size), np.float32)
        self._tones: dict[int, NDArray[np.float32]] = {}  # sketches by entry
        self._insides: dict[int, NDArray[np.uint8]] = {}
        self._alike: dict[bytes, list[int]] = defaultdict(list)
        self._numbers: dict[bytes, int] = {}
        self._by_content: dict[bytes, tuple[int, Tensorized]] = {}
        self._px = px

    def put(self, answer: Tensorized) -> None:
        """Add an answer; one with known content has no appearance."""
        look = answer.appearance
        if look is None:
            return
        is_new = look.digest not in self._numbers
        number = self._numbers.setdefault(look.digest, len(self._numbers))
        self._by_content[answer.digest] = (number, replace(answer, appearance=None))
        if not is_new:
            return
        self._rows[number] = np.frombuffer(look.tensor, np.uint8)
        self._sketches[number] = np.frombuffer(look.sketch, np.float32)
        for inside, sketch in enumerate((look.tone_sketch, look.inside_sketch)):
            if sketch:
                self._tones[2 * number + inside] = np.frombuffer(sketch, np.float32)
        if look.inside:
            self._insides[number] = np.frombuffer(look.inside, np.uint8)
        if look.alike:
            self._alike[look.alike].append(number)

    def of(self, digest: bytes) -> tuple[int, Tensorized]:
        """Return the number of the appearance of a content, and the answer that it came with, without it."""
        return self._by_content[digest]

    @property
    def rows(self) -> NDArray[np.uint8]:
        """The distinct tensors as rows, by number."""
        return self._rows[: len(self._numbers)]

    def tensors(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the tensors of some numbers as rows (n, 3 * px * px)."""
        return self._rows[ids]

    def insides(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Return which of some numbers have a second tone, and these tones as rows (m, px * px)."""
        which = [number for number in ids.tolist() if number in self._insides]
        rows = np.array([self._insides[number] for number in which], np.uint8)
        return np.array(which, np.int64), rows.reshape(len(which), self._px * self._px)

    def tensor_block(self) -> Block:
        """Return the sketches of all tensors."""
        return Block(np.arange(len(self._numbers)), self._sketches[: len(self._numbers)])

    def tone_block(self) -> Block:
        """Return the sketches of all tones, by entry."""
        rows = np.array(list(self._tones.values()), np.float32).reshape(len(self._tones), TONE_SKETCH.size)
        return Block(np.array(list(self._tones), np.int64), rows)

    def flat_pairs(self) -> NDArray[np.int64]:
        """Return the pairs of flat pictures that look the same in some orientation, shape (n, 2)."""
        pairs = [pair for numbers in self._alike.values() for pair in combinations(numbers, 2)]
        return np.array(pairs, np.int64).reshape(len(pairs), 2)
