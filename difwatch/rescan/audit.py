"""The audit: every pair of some pictures by brute force, against what the store remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from difwatch.compare.distance import limit_of
from difwatch.compare.hits import ANGLES_OF, BEYOND, ERRORS, HIT, Hits, joined
from difwatch.compare.product import product_hits, product_hits_within
from difwatch.model.settings import Measure, StoreSettings
from difwatch.shown import shown_count, shown_number
from difwatch.store import contents, matches, searched, settings

_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Audit:
    """What was compared and what was found.

    ``pairs`` is the number of pairs within an ``error`` of this ``measure`` that include one of the ``sample``
    pictures. ``missing`` of them are not remembered. ``wrong`` pairs are remembered and should not be. A pair that
    is remembered with another error or turn counts as both. ``worst`` holds some of these pairs, as tensor ids.
    """

    images: int
    sample: int
    compared: int
    measure: Measure
    error: float
    pairs: int
    missing: int
    wrong: int
    worst: tuple[tuple[int, int], ...] = ()

    @property
    def recall(self) -> float:
        """Share of the pairs that are remembered."""
        return 1.0 if not self.pairs else 1 - self.missing / self.pairs

    @property
    def holds(self) -> bool:
        """Whether no pair is missing or wrong."""
        return not self.missing and not self.wrong


def audit(
    connection: Connection,
    sample: int | None,
    random: np.random.Generator,
    progress: Callable[[int, int], None],
) -> Audit:
    """Compare some pictures with all others, without sketches, index or bounds.

    Parameters
    ----------
    connection
        One view of the store.
    sample
        Number of distinct pictures to compare with all pictures; None for all.
    random
        Chooses these pictures.
    progress
        Called with the number of pages of pictures that are done, and with the number of all pages.
    """
    store = settings.get_in_force(connection)
    if store is None:
        return Audit(0, 0, 0, "mse", 0.0, 0, 0, 0)
    ids, _ = contents.sketches(connection, store.recipe_id)
    chosen = ids if sample is None or sample >= len(ids) else np.sort(random.choice(ids, sample, replace=False))
    limit = limit_of(store.remembered.error, store.scale)
    hits = np.unique(joined(_pages(connection, store, ids, chosen, progress)))
    hits = hits[np.isin(hits["a"], chosen) | np.isin(hits["b"], chosen)]
    stored = _stored(connection, store, chosen, limit)
    both, counts = np.unique(np.concatenate([hits, stored]), return_counts=True)
    once = both[counts == 1]
    missing = np.isin(once, hits)
    others = len(ids) - len(chosen)
    return Audit(
        images=len(ids),
        sample=len(chosen),
        compared=len(chosen) * (len(chosen) - 1) // 2 + len(chosen) * others,
        measure=store.measure,
        error=store.remembered.error,
        pairs=len(hits),
        missing=int(missing.sum()),
        wrong=int((~missing).sum()),
        worst=tuple((int(pair["a"]), int(pair["b"])) for pair in once[:5]),
    )


def _pages(
    connection: Connection,
    store: StoreSettings,
    ids: NDArray[np.int64],
    chosen: NDArray[np.int64],
    progress: Callable[[int, int], None],
) -> Iterator[Hits]:
    limit = limit_of(store.remembered.error, store.scale)
    comparison = searched.comparison(store, limit, contents.StorePixels(connection))
    every = searched.known(connection, store).ids
    ours = np.intersect1d(searched.entries(store, chosen), every)
    others = np.setdiff1d(every, ours)
    first, second = range(0, len(ours), _PAGE), range(0, len(others), _PAGE)
    done, pages = 0, len(first) * (len(first) + 1) // 2 + len(first) * len(second)
    yield searched.flat(connection, store, limit)
    for start in first:
        page = ours[start : start + _PAGE]
        yield from product_hits_within(page, comparison)
        against = [ours[at : at + _PAGE] for at in range(0, start, _PAGE)]
        against += [others[at : at + _PAGE] for at in second]
        progress(done := done + 1, pages)
        for other in against:
            yield from product_hits(other, page, comparison)
            progress(done := done + 1, pages)


def _stored(connection: Connection, store: StoreSettings, chosen: NDArray[np.int64], limit: int) -> Hits:
    stored = np.fromiter(matches.hits_within(connection, store.recipe_id, limit), HIT)
    beyond = "sse" if store.measure == "mse" else "tone"
    for name in ERRORS:
        far = stored[f"{beyond}_{name}"] > limit
        stored[f"{beyond}_{name}"][far] = BEYOND
        for angle in ANGLES_OF[name]:
            stored[f"{beyond}_{angle}"][far] = 0
    return stored[np.isin(stored["a"], chosen) | np.isin(stored["b"], chosen)]


def text_audit(audit: Audit) -> str:
    """Return one sentence on what was compared and found."""
    recall = f"; recall {100 * audit.recall:.6g} %" if audit.pairs else ""
    return (
        f"compared {shown_count(audit.sample, 'distinct picture')} with all {shown_number(audit.images)} "
        f"({shown_count(audit.compared, 'pair')}) by brute force, "
        f"up to an {audit.measure.upper()} of {audit.error:g}: "
        f"{shown_count(audit.pairs, 'match')}, {shown_number(audit.missing)} missing, "
        f"{shown_number(audit.wrong)} wrong{recall}"
    )
