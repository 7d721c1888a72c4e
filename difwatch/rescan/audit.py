"""The audit: every pair of some pictures by brute force, against what the store remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from difwatch.compare.distance import mse_limit
from difwatch.compare.hits import HIT, Hits, joined
from difwatch.compare.product import product_hits, product_hits_within
from difwatch.shown import shown_count, shown_number
from difwatch.store import contents, matches, settings

_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Audit:
    """What was compared and what was found.

    ``pairs`` is how many pairs there are within an MSE of ``mse`` that have at least one of the ``sample``
    pictures; ``missing`` of them are not remembered, and ``wrong`` ones are remembered and should not be, or with
    another error or turn. ``worst`` are some of these, as tensor ids.
    """

    images: int
    sample: int
    compared: int
    mse: float
    pairs: int
    missing: int
    wrong: int
    worst: tuple[tuple[int, int], ...] = ()

    @property
    def recall(self) -> float:
        """The share of the pairs that are remembered."""
        return 1.0 if not self.pairs else 1 - self.missing / self.pairs

    @property
    def holds(self) -> bool:
        """Whether what is promised is true."""
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
        How many distinct pictures are compared with all of them; None for all.
    random
        Chooses them.
    progress
        Told how many pages of pictures of how many are done.
    """
    now = settings.get_in_force(connection)
    if now is None:
        return Audit(0, 0, 0, 0.0, 0, 0, 0)
    ids, _ = contents.all_sketches(connection, now.recipe_id)
    chosen = ids if sample is None or sample >= len(ids) else np.sort(random.choice(ids, sample, replace=False))
    limit = mse_limit(now.remembered.mse, now.values)
    pages = list(_pages(connection, ids, chosen, limit, progress))
    found = joined(pages)
    stored = _stored(connection, now.recipe_id, chosen, limit)
    both, counts = np.unique(np.concatenate([found, stored]), return_counts=True)
    once = both[counts == 1]
    missing = np.isin(once, found)
    others = len(ids) - len(chosen)
    return Audit(
        images=len(ids),
        sample=len(chosen),
        compared=len(chosen) * (len(chosen) - 1) // 2 + len(chosen) * others,
        mse=now.remembered.mse,
        pairs=len(found),
        missing=int(missing.sum()),
        wrong=int((~missing).sum()),
        worst=tuple((int(one["a"]), int(one["b"])) for one in once[:5]),
    )


def _pages(
    connection: Connection,
    ids: NDArray[np.int64],
    chosen: NDArray[np.int64],
    limit: int,
    progress: Callable[[int, int], None],
) -> Iterator[Hits]:
    def fetch(some: NDArray[np.int64]) -> NDArray[np.uint8]:
        return contents.tensors(connection, some)

    others = np.setdiff1d(ids, chosen)
    first, second = range(0, len(chosen), _PAGE), range(0, len(others), _PAGE)
    done, pages = 0, len(first) * (len(first) + 1) // 2 + len(first) * len(second)
    for start in first:
        some = chosen[start : start + _PAGE]
        yield from product_hits_within(some, fetch, limit, rotate=True)
        against = [chosen[at : at + _PAGE] for at in range(0, start, _PAGE)]
        against += [others[at : at + _PAGE] for at in second]
        progress(done := done + 1, pages)
        for page in against:
            yield from product_hits(page, some, fetch, limit, rotate=True)
            progress(done := done + 1, pages)


def _stored(connection: Connection, recipe_id: int, chosen: NDArray[np.int64], limit: int) -> Hits:
    rows = matches.rows_within(connection, recipe_id, limit)
    stored = np.fromiter(rows, HIT)
    stored["sse_upright"][stored["sse_upright"] > limit] = -1
    return stored[np.isin(stored["a"], chosen) | np.isin(stored["b"], chosen)]


def text_audit(audit: Audit) -> str:
    """Return in a sentence what was compared and what was found."""
    return (
        f"compared {shown_count(audit.sample, 'distinct picture')} with all {shown_number(audit.images)} "
        f"({shown_count(audit.compared, 'pair')}) by brute force, up to an MSE of {audit.mse:g}: "
        f"{shown_count(audit.pairs, 'match')}, {shown_number(audit.missing)} missing, "
        f"{shown_number(audit.wrong)} wrong; recall {100 * audit.recall:.6g} %"
    )
