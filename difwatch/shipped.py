"""Folders shipped with the package: inside it when installed, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path


def shipped_folder(name: str) -> Path | None:
    """Return a shipped folder; None if the installation lacks it."""
    package = Path(__file__).resolve().parent
    return next((place for place in (package / name, package.parent / name) if place.is_dir()), None)
