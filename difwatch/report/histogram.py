"""How many pairs of pictures there are at each error, beside the similarity up to which they count."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from difwatch.compare.distance import limit_of
from difwatch.matches.rules import MatchRules
from difwatch.shown import shown_count, shown_number
from difwatch.store import matches, settings

_EDGES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
_ABOVE = 2  # "just above" is up to so many times the similarity
_WIDTH = 40  # characters of the longest bar


@dataclass(frozen=True, slots=True)
class Histogram:
    """Pairs of distinct pictures by mean squared error, as far as they are remembered.

    Attributes
    ----------
    edges
        The largest error of each bin, ascending; the last bin is open.
    counts
        The number of pairs in each bin.
    threshold
        Up to which error pictures are similar; it is one of the edges.
    nmse
        The largest error of the tones of these pairs; None if these do not count.
    above
        The number of pairs just above the threshold, up to ``above_to``.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    threshold: float
    nmse: float | None
    above: int
    above_to: float


def read_histogram(connection: Connection, rules: MatchRules) -> Histogram:
    """Return the histogram of the remembered pairs, turned and mirrored as the rules count them."""
    threshold = rules.settings.threshold
    store = settings.get_in_force(connection)
    known = store.remembered.error if store is not None and store.measure == "mse" else math.inf
    above_to = min(max(1.0, _ABOVE * threshold), max(known, threshold))
    far = {known} if math.isfinite(known) and known > threshold else set()  # beyond that, pairs are not remembered
    edges = tuple(sorted({*(edge for edge in _EDGES if edge <= known), threshold, above_to, *far}))
    limits = [limit_of(edge, rules.values) for edge in edges]
    counts = tuple(matches.histogram(connection, rules.recipe_id, rules.criteria, limits))
    above = sum(counts[bisect_left(edges, threshold) + 1 : bisect_left(edges, above_to) + 1])
    return Histogram(edges, counts, threshold, rules.settings.nmse, above, above_to)


def text_histogram(histogram: Histogram) -> Iterator[str]:
    """Yield a line for each bin with a bar, the threshold marked."""
    tones = "" if histogram.nmse is None else f", up to an NMSE of {histogram.nmse:g}"
    yield f"Pairs of distinct pictures by MSE{tones}:\n\n"
    most = max(histogram.counts)
    names = [*(f"to {edge:g}" for edge in histogram.edges), "more"]
    names[0] = "0"
    rows = list(zip(names, histogram.counts, (*histogram.edges, None), strict=True))
    for name, count, edge in rows if histogram.nmse is not None else rows[:-1]:
        bar = "█" * _length(count, most)
        mark = "  ← similarity" if edge == histogram.threshold else ""
        yield f"{name:>8} {shown_number(count):>10}  {bar}{mark}".rstrip() + "\n"
    beyond = f"{shown_count(histogram.above, 'pair')} just above it, up to {histogram.above_to:g}"
    yield f"\nThe similarity is {histogram.threshold:g}; {beyond}.\n"


def json_histogram(histogram: Histogram) -> dict[str, Any]:
    """Return the histogram for programs; the last bin has no largest error."""
    edges: Sequence[float | None] = (*histogram.edges, None)
    bins = [{"mse": edge, "pairs": count} for edge, count in zip(edges, histogram.counts, strict=True)]
    return {"similarity": histogram.threshold, "nmse": histogram.nmse, "bins": bins}


def _length(count: int, most: int) -> int:
    return 0 if not count else max(1, round(_WIDTH * count / most))
