"""Options that say what counts as a match, for commands that read matches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_OPTIONS = (
    click.option(
        "--similarity",
        "--threshold",
        "similarity",
        metavar="NAME|MSE",
        help='Use this similarity, not the configured one: "duplicates", "similar", "normal", "loose" or an MSE.',
    ),
    click.option("--rotate/--no-rotate", default=None, help="Count turned copies, or only upright ones."),
    click.option("--mirror/--no-mirror", default=None, help="Count mirrored copies, as edited versions, or do not."),
    click.option(
        "--same-dim/--any-size", default=None, help="Count only pictures of equal size, or resized copies as well."
    ),
)


def matching_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--similarity``, ``--rotate``, ``--mirror`` and ``--same-dim`` to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
