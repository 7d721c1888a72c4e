"""A small collection of pictures with matches of every kind, for the tests of what is reported about them."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.photos import photo


def make_collection(folder: Path, odd: bytes) -> Path:
    """Make a folder with two groups: a picture, turned and nearly the same; another, and a copy by an odd name."""
    folder.mkdir()
    photo(1, 120, 80).save(folder / "a.png")
    photo(1, 120, 80).rotate(90, expand=True).save(folder / "turned.png")
    photo(1, 120, 80).save(folder / "near.jpg", quality=80)
    photo(2, 120, 80).save(folder / "other.png")
    (folder / os.fsdecode(odd)).write_bytes((folder / "other.png").read_bytes())
    return folder
