"""What is inside uniform edges: of a framed picture, a letterbox, a screenshot of a photograph.

Each side is looked at by itself, line by line, until a line is not uniform; most photographs end at the first.
Nothing here depends on which side is which, so the inside of a turned or mirrored picture is the turned or mirrored
inside.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Box = tuple[int, int, int, int]
"""Left, upper, right, lower, as Pillow has it."""

_TOLERANCE = 10  # levels of each channel, so that the noise of JPEG compression is no edge of its own
_PER_MILLE = 985  # of the pixels of a line
# Levels beyond, for the lines in which JPEG compression echoes a bright picture.
_RINGING, _PER_MILLE_RINGING = 6, 700
_MOST_PERCENT = 45  # of a side that may be taken off
_LEAST_PERCENT = 1  # of a side, or else the edge is not worth a second look
_LEAST_LEFT = 5  # at least a fifth of a side is left
_LINES_AT_ONCE = 32
_GROWTH = 4  # of the lines looked at together, the deeper the edge is


def inside_edges(image: Image.Image) -> Box | None:
    """Return the box inside the uniform edges of a picture, None if it has no such edges.

    Parameters
    ----------
    image
        8 bits a channel, several channels.
    """
    width, height = image.size
    left, right = _depth(image, 0, False), _depth(image, 0, True)
    top, bottom = _depth(image, 1, False), _depth(image, 1, True)
    left, right, top, bottom = _around_or_across(left, right, top, bottom)
    if (left + right) * 100 < width * _LEAST_PERCENT and (top + bottom) * 100 < height * _LEAST_PERCENT:
        return None
    # The next line is often a mixture of both.
    left, right, top, bottom = (depth + bool(depth) for depth in (left, right, top, bottom))
    box = (left, top, width - right, height - bottom)
    is_left = (box[2] - box[0]) * _LEAST_LEFT >= width and (box[3] - box[1]) * _LEAST_LEFT >= height
    return box if is_left else None


def _around_or_across(left: int, right: int, top: int, bottom: int) -> tuple[int, int, int, int]:
    """Leave out a lone side where the two others face each other.

    A letterbox has two sides. A third one is a dark border of the photograph between them, which is not uniform in
    the photograph alone.
    """
    if left and right and bool(top) != bool(bottom):
        return left, right, 0, 0
    if top and bottom and bool(left) != bool(right):
        return 0, 0, top, bottom
    return left, right, top, bottom


def _depth(image: Image.Image, axis: int, from_end: bool) -> int:
    """Return how many lines of one side are uniform: columns for axis 0, rows for axis 1."""
    most = image.size[axis] * _MOST_PERCENT // 100
    if not most or not _may_be_uniform(image.crop(_box(image, axis, from_end, 0, 1))):
        return 0
    bounds: list[tuple[int, int]] = []  # of each channel
    depth = 0
    for lines in _lines(image, axis, from_end, most):
        if not bounds:
            bounds = [_bounds(float(np.median(channel))) for channel in lines]
        length = lines[0].shape[axis]
        near = _near(lines, axis, bounds, 0)
        uniform = near * 1000 >= _PER_MILLE * length
        if depth and not uniform.all() and (near[~uniform] * 1000 >= _PER_MILLE_RINGING * length).any():
            ringing = near * 1000 >= _PER_MILLE_RINGING * length
            uniform |= ringing & (_near(lines, axis, bounds, _RINGING) * 1000 >= _PER_MILLE * length)
        other = np.flatnonzero(~(uniform[::-1] if from_end else uniform))
        if len(other):
            return depth + int(other[0])
        depth += len(uniform)
    return depth


def _near(
    lines: Sequence[NDArray[np.uint8]], axis: int, bounds: Sequence[tuple[int, int]], more: int
) -> NDArray[np.intp]:
    """Return how many pixels of each line are within the bounds of all channels, or no more than ``more`` beyond."""
    is_near = np.ones(lines[0].shape, bool)
    for channel, (lowest, highest) in zip(lines, bounds, strict=True):
        least, most = max(0, lowest - more), min(255, highest + more)
        is_near &= channel - np.uint8(least) <= most - least  # what is below wraps around, and is beyond
    counts: NDArray[np.uint32] = is_near.view(np.uint8).sum(axis=axis, dtype=np.uint32)
    return counts.astype(np.intp)


def _bounds(middle: float) -> tuple[int, int]:
    """Return the lowest and the highest level within the tolerance of one."""
    return max(0, math.ceil(middle - _TOLERANCE)), min(255, math.floor(middle + _TOLERANCE))


def _box(image: Image.Image, axis: int, from_end: bool, start: int, stop: int) -> Box:
    """Return the box of some lines of one side."""
    ends = (image.size[axis] - stop, image.size[axis] - start) if from_end else (start, stop)
    return (ends[0], 0, ends[1], image.height) if axis == 0 else (0, ends[0], image.width, ends[1])


def _may_be_uniform(line: Image.Image) -> bool:
    """Tell quickly that a line is not uniform, as most are not: too few of its pixels are near in one channel."""
    count = line.width * line.height
    counts = line.histogram()
    for first in range(0, len(counts), 256):
        up_to = list(accumulate(counts[first : first + 256]))
        middle = (bisect_left(up_to, (count + 1) // 2) + bisect_left(up_to, count // 2 + 1)) / 2
        lowest, highest = _bounds(middle)
        near = up_to[highest] - (up_to[lowest - 1] if lowest else 0)
        if near * 1000 < _PER_MILLE * count:
            return False
    return True


def _lines(image: Image.Image, axis: int, from_end: bool, most: int) -> Iterator[list[NDArray[np.uint8]]]:
    """Yield some lines at a time from one side on, first a single one; an array (height, width) for each channel."""
    start = 0
    while start < most:
        stop = min(most, max(start * _GROWTH, start + _LINES_AT_ONCE) if start else 1)
        yield [np.asarray(channel) for channel in image.crop(_box(image, axis, from_end, start, stop)).split()]
        start = stop
