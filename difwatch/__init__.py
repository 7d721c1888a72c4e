"""difwatch watches picture folders and finds duplicate and similar images, exactly.

As a library, ``build`` reads the pictures of some folders and ``search`` finds which of them match::

    import difwatch

    dif = difwatch.build("Pictures/")
    search = difwatch.search(dif, similarity="similar")
    search.result
"""

import logging
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import difwatch.search  # noqa: F401  (it is made callable below)

if TYPE_CHECKING:
    from difwatch.library.build import Build as build  # noqa: N813  (difPy's name)

__all__ = ["__version__", "build", "search"]
__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())


class _Search(ModuleType):
    """The package of the search, which is also difPy's function of that name: ``difwatch.search(dif)``."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        from difwatch.library.search import Search

        return Search(*given, **named)


sys.modules["difwatch.search"].__class__ = _Search


def __getattr__(name: str) -> Any:
    # Loaded when it is asked for: importing difwatch stays light.
    if name == "build":
        from difwatch.library.build import Build

        return Build
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
