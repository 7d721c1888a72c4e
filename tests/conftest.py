"""What several tests need: places for temporary stores, pictures, and the corpus."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("difwatch", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("difwatch")

CORPUS = Path(__file__).resolve().parent.parent.parent / "shared" / "corpus"


@pytest.fixture(autouse=True)
def _apart_from_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the home directory or takes settings from the environment."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("DIFWATCH_", "XDG_")) or name in ("STATE_DIRECTORY", "JOURNAL_STREAM", "NOTIFY_SOCKET"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real pictures, where there is one."""
    if not CORPUS.is_dir():
        pytest.skip(f"the corpus of real pictures is not at {CORPUS}")
    return CORPUS


def photo(seed: int, width: int = 60, height: int = 40) -> Image.Image:
    """A smooth made-up picture; different seeds look different."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
