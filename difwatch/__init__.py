"""difwatch watches picture folders and finds duplicate and similar images, exactly.

As a library, ``build`` reads the pictures of some folders and ``search`` finds which of them match::

    import difwatch

    dif = difwatch.build("Pictures/")
    search = difwatch.search(dif, similarity="similar")
    search.result
"""

import logging
from typing import TYPE_CHECKING, Any

from difwatch.version import __version__

if TYPE_CHECKING:
    from difwatch.library.build import Build as build  # noqa: N813  (difPy's names)
    from difwatch.library.search import Search as search  # noqa: N813

__all__ = ["__version__", "build", "search"]

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    # Loaded on first use, so that importing difwatch stays light.
    if name == "build":
        from difwatch.library.build import Build

        return Build
    if name == "search":
        from difwatch.library.search import Search

        return Search
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
