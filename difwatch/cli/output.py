"""Printing to a reader that may go away."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable


def pour(pieces: Iterable[str]) -> None:
    """Print pieces of text; a reader that goes away (head, less) is no failure."""
    try:
        for piece in pieces:
            sys.stdout.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """Print a line, as `pour` does."""
    pour([text + "\n"])
