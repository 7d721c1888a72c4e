"""Files that have a new path, which takes over what is known of the old one. Pure."""

from __future__ import annotations


class Renames:
    """New paths and the old ones they came from, until the new ones are kept."""

    def __init__(self) -> None:
        self._old_by_new: dict[bytes, bytes] = {}
        self._left: set[bytes] = set()

    def begin(self, new: bytes, old: bytes) -> None:
        """Note that the file of an old path is at a new one now."""
        self._old_by_new[new] = old

    def end(self, new: bytes, is_kept: bool = False) -> bytes | None:
        """Forget a rename; return the old path, which must be looked at now, or None if there was none.

        With ``is_kept``, the same content was kept under the new path, so that the old one is gone is no news.
        """
        old = self._old_by_new.pop(new, None)
        if old is not None and is_kept:
            self._left.add(old)
        return old

    def sources(self) -> set[bytes]:
        """Return the old paths whose new ones are not kept yet."""
        return set(self._old_by_new.values())

    def was_left(self, old: bytes) -> bool:
        """Tell, once for each path, whether a path that is gone was left for one that is kept."""
        if old not in self._left:
            return False
        self._left.remove(old)
        return True
