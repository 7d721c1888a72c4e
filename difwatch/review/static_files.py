"""The files of the page, read once: nothing else is ever served."""

from __future__ import annotations

from importlib import resources
from typing import NamedTuple

_KINDS = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "json": "application/json",
    "svg": "image/svg+xml",
}


class File(NamedTuple):
    """A file and its media type."""

    content: bytes
    kind: str


def read_files() -> dict[str, File]:
    """Return the files of the page by name."""
    there = resources.files("difwatch.review") / "static"
    return {
        entry.name: File(entry.read_bytes(), _KINDS[entry.name.rpartition(".")[2]])
        for entry in there.iterdir()
        if entry.name.rpartition(".")[2] in _KINDS
    }
