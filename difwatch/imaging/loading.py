"""Loading all decoders at once, for a process that cannot read files any more when it needs one."""

from __future__ import annotations

from importlib import resources

from PIL import Image

from difwatch.imaging import raw
from difwatch.imaging.deep import eight_bits
from difwatch.imaging.plugins import PLUGINS
from difwatch.imaging.recipe import make
from difwatch.imaging.view import view

_PX = 10
_MOST = 1_000_000  # pixels


def load_decoders() -> None:
    """Import whatever decoding may import later: by the plugins, and by decoding the golden pictures."""
    for plugin in PLUGINS:
        plugin.load()
    raw.load()
    for entry in (resources.files("difwatch.imaging") / "golden").iterdir():
        make(entry.read_bytes(), _PX)
        view(entry.read_bytes(), _PX, 0, _MOST)
    eight_bits(Image.linear_gradient("L").convert("F"))  # takes quantiles, for which numpy imports more
