"""When two pictures match, and at which level. Pure.

The daemon always compares all eight orientations and ignores sizes; a match keeps its errors as it is, turned and
mirrored. So ``similarity``, ``rotate``, ``mirror``, ``same_dim`` and ``in_folder`` are applied here, when matches are
read, and a change of these settings needs no new search. Pictures of reference folders are compared with each other
unless ``compare_references = false``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from difwatch import paths
from difwatch.compare.distance import limit_of
from difwatch.matches.shots import are_two_shots
from difwatch.model.pictures import RAW, Errors, Ignored, Image, Level
from difwatch.model.settings import (
    AS_CONFIGURED,
    MSE_MOST,
    Asked,
    Criteria,
    Folder,
    KeepRule,
    Settings,
    StoreSettings,
)


class Mismatch(enum.Enum):
    """Why two pictures do not match."""

    TOO_FAR = "too far"
    OTHER_KIND = "other kind"
    OTHER_SIZE = "other size"
    OTHER_SCOPE = "other scope"
    REFERENCES = "references"
    IGNORED = "ignored"


class Shelf(NamedTuple):
    """A tensor, and what else two pictures must share: the scope, and with ``same_dim`` the sizes."""

    tensor: int
    scope: bytes | None
    dimensions: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class MatchRules:
    """What counts as a match: the only definition.

    Attributes
    ----------
    settings
        As configured or as asked for; the threshold never exceeds what was searched.
    folders
        The folders in force by id.
    limits
        The largest SSE of a similar picture in each folder.
    tone_limit
        The largest SSE of the tones of a match; None where tones do not count.
    recipe_id, recipe, px
        The recipe of the tensors, by id and name, and their side.
    """

    settings: Settings
    folders: Mapping[int, Folder]
    limits: Mapping[int, int]
    recipe_id: int
    recipe: str
    px: int
    tone_limit: int | None = None

    @classmethod
    def of(
        cls,
        settings: Settings,
        folders: Mapping[int, Folder],
        store: StoreSettings,
        asked: Asked = AS_CONFIGURED,
    ) -> MatchRules:
        """Return the rules for the pictures of a store.

        Nothing counts beyond the error up to which all pairs are known. Until a full search has reached what is
        configured, that is what was searched before.

        Parameters
        ----------
        settings
            As the store was last kept by.
        folders
            By id.
        store
            The recipe, and by what and how far pairs are remembered.
        asked
            What goes before that.
        """
        settings = asked.over(settings)
        searched = store.remembered.error
        tone_limit = None
        most = searched
        if store.measure == "nmse":
            nmse = searched if settings.nmse is None else min(settings.nmse, searched)
            tone_limit, most = limit_of(nmse, store.scale), float(MSE_MOST)
            settings = replace(settings, nmse=nmse)
        else:
            settings = replace(settings, nmse=None, edited=False)
        limits = {}
        for id_, folder in folders.items():
            configured = settings.threshold if folder.similarity is None else folder.similarity
            wanted = configured if asked.threshold is None else asked.threshold
            limits[id_] = limit_of(min(wanted, most), store.values)
        settings = replace(settings, threshold=min(settings.threshold, most))
        return cls(settings, folders, limits, store.recipe_id, store.recipe, store.px, tone_limit)

    @property
    def values(self) -> int:
        """Number of values in a tensor: ``3 * px ** 2``."""
        return 3 * self.px * self.px

    @property
    def criteria(self) -> Criteria:
        """Which pairs of distinct pictures match in some folder."""
        largest, settings = max(self.limits.values(), default=0), self.settings
        return Criteria(largest, self.tone_limit, settings.rotate, settings.mirror, settings.edited)

    def keep_in(self, scope: bytes | None) -> tuple[KeepRule, ...]:
        """Return the rules that decide which of two pictures of a scope is better."""
        own = {folder.path: folder.keep for folder in self.folders.values() if folder.keep}
        holding = [path for path in own if scope and paths.is_within(scope, path)]
        return own[max(holding, key=len)] if holding else self.settings.keep

    def shelf(self, image: Image, tensor: int | None = None) -> Shelf:
        """Return the shelf of a picture, or the shelf of the pictures of another tensor that may match it."""
        dimensions = image.dimensions if self.settings.same_dim else None
        return Shelf(image.tensor if tensor is None else tensor, image.scope, dimensions)

    def alike(self, errors: Errors, limit: int) -> Level | None:
        """Return how alike two pictures of different bytes are, None if they do not match.

        Parameters
        ----------
        errors
            How far they are from each other.
        limit
            The largest SSE of similar pictures.
        """
        if errors.sse != 0 and self.tone_limit is not None and not 0 <= errors.tone <= self.tone_limit:
            return None
        if 0 <= errors.sse <= limit:
            return "edited" if errors.mirrored else "duplicate" if errors.sse == 0 else "similar"
        return "edited" if self.settings.edited else None

    def level(self, a: Image, b: Image, errors: Errors) -> Level | None:
        """Return how alike two files are whose tensors are that far apart, None if they do not match."""
        if a.digest == b.digest:
            return "identical"
        if not _are_of_a_kind(a, b):
            return None
        return self.alike(errors, min(a.limit, b.limit))

    def are_shots(self, a: Image, b: Image, level: Level) -> bool:
        """Tell whether two pictures that match are two shots, taken at different moments."""
        return level in ("similar", "edited") and are_two_shots(a.facts, b.facts)

    def mismatch(self, a: Image, b: Image, errors: Errors, ignored: Ignored) -> Mismatch | None:
        """Return why two files whose tensors are that far apart do not match; None if they match."""
        if not _are_of_a_kind(a, b):
            return Mismatch.OTHER_KIND
        if self.level(a, b, errors) is None:
            return Mismatch.TOO_FAR
        if self.settings.same_dim and a.dimensions != b.dimensions:
            return Mismatch.OTHER_SIZE
        if a.scope != b.scope:
            return Mismatch.OTHER_SCOPE
        if a.reference and b.reference and not self.settings.compare_references:
            return Mismatch.REFERENCES
        return Mismatch.IGNORED if is_ignored(a, b, ignored) else None


def _are_of_a_kind(a: Image, b: Image) -> bool:
    """Tell whether both are raw files, or neither: what is compared of a raw file is a preview."""
    return (a.facts.format == RAW) == (b.facts.format == RAW)


def is_ignored(a: Image, b: Image, ignored: Ignored) -> bool:
    """Tell whether a person said that two pictures are no duplicates."""
    return bool(ignored) and (min(a.digest, b.digest), max(a.digest, b.digest)) in ignored
