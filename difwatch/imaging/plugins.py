"""Decoders beside Pillow's own: imported when a file needs one, so that nobody else waits for them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def _is_avif(head: bytes) -> bool:
    """Tell whether the compatible brands of a file name AVIF, which Pillow decodes."""
    brands = head[16 : int.from_bytes(head[:4])]
    return any(brands[at : at + 4] in (b"avif", b"avis") for at in range(0, len(brands), 4))


@dataclass(frozen=True, slots=True)
class Plugin:
    """A decoder of one format.

    ``format`` is its name in Pillow, ``title`` its name for people. ``package`` is what is installed, ``module`` what
    is imported, and ``register`` the function of the module that adds it to Pillow; empty if importing does.
    """

    format: str
    title: str
    recognises: Callable[[bytes], bool]
    package: str
    module: str
    register: str = ""

    def load(self) -> bool:
        """Add the format to Pillow; tell whether its decoder is installed."""
        try:
            module = importlib.import_module(self.module)
        except ImportError:
            return False
        if self.register:
            getattr(module, self.register)()
        return True


PLUGINS = (
    Plugin(
        "HEIF",
        "HEIC",
        lambda head: head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS and not _is_avif(head),
        "pi-heif",
        "pi_heif",
        "register_heif_opener",
    ),
    Plugin(
        "JXL",
        "JPEG XL",
        lambda head: head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")),
        "difwatch[jxl]",
        "pillow_jxl",
    ),
)
"""All of them; what is not installed is not loaded."""


def plugin_for(data: bytes) -> Plugin | None:
    """Return the plugin that decodes a file, by its first bytes; None for all that Pillow decodes itself."""
    head = data[:256]
    return next((plugin for plugin in PLUGINS if plugin.recognises(head)), None)
