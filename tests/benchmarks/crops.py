"""Tensors of random crops of photographs: what pictures are like, as many as are wanted.

Noise and flat colours flatter every method of search; crops have the spread and the likeness of real pictures.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

PX = 50
_BATCH = 5000
_SIDE = 512  # photos are shrunk to this first

_photos: list[Image.Image] = []


def crops(photos: Path, count: int, seed: int = 1) -> np.ndarray:
    """Tensors (count, 50, 50, 3) of crops; those of a larger count begin with those of a smaller one."""
    tensors = np.empty((count, PX, PX, 3), np.uint8)
    parts = [(seed, start, min(_BATCH, count - start)) for start in range(0, count, _BATCH)]
    processes = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=_load, initargs=(photos,)) as pool:
        for (_, start, many), some in zip(parts, pool.map(_tensors, parts), strict=True):
            tensors[start : start + many] = some
    return tensors


def crop_files(photos: Path, folder: Path, count: int, seed: int = 2) -> None:
    """Write crops as JPEG files of 200 x 150 pixels; one of twenty is another one, compressed once more."""
    _load(photos)
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for number in range(count):
        if number % 20 != 19:
            photo = _crop(random, (200, 150))
        photo.save(folder / f"{number:05d}.jpg", quality=60 if number % 20 == 19 else 90)


def _tensors(part: tuple[int, int, int]) -> np.ndarray:
    seed, start, many = part
    random = np.random.default_rng((seed, start))
    return np.stack([np.asarray(_crop(random, (PX, PX))) for _ in range(many)])


def _crop(random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    photo = _photos[random.integers(len(_photos))]
    share = random.uniform(0.25, 0.9)
    width, height = photo.width * share, photo.height * share
    left, top = random.uniform(0, photo.width - width), random.uniform(0, photo.height - height)
    return photo.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + width, top + height))


def _load(photos: Path) -> None:
    for path in sorted(path for path in photos.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg")):
        with Image.open(path) as opened:
            photo = opened.convert("RGB")
        photo.thumbnail((_SIDE, _SIDE))
        _photos.append(photo)
