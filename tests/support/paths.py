"""Where things are."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

CORPUS = ROOT.parent / "shared" / "corpus"
"""Real pictures; they are not part of the checkout."""

STORES = ROOT / "tests" / "support" / "stores"
"""Stores of released schemas."""
