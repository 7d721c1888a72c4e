"""All pairs of pictures in memory: what a search finds before anything is grouped."""

from __future__ import annotations

from difwatch.compare import budget
from difwatch.compare.by_tensor import ByTensor
from difwatch.compare.by_tone import ByTone
from difwatch.compare.chunked import ChunkedSearch, Chunks, cuts_of
from difwatch.compare.comparison import Comparison
from difwatch.compare.distance import limit_of
from difwatch.compare.hits import Hits, joined
from difwatch.compare.orientation import admitted
from difwatch.compare.sketch import Block
from difwatch.library.looks import Looks
from difwatch.library.progress import progress_bar
from difwatch.matches.neighbours import Neighbourhoods
from difwatch.matches.rules import MatchRules
from difwatch.model.pictures import Neighbours
from difwatch.rescan.threads import threads

_MEMORY = 2 << 30


def all_near(
    looks: Looks, images: int, rules: MatchRules, processes: int, chunksize: int | None, show: bool
) -> Neighbours:
    """Return for each appearance the others that match it.

    Parameters
    ----------
    looks
        The appearances.
    images
        How many pictures have them.
    rules
        What counts as a match.
    processes
        Blocks to search in parallel.
    chunksize
        Pictures per block, where the search is chunked; None leaves it to the search.
    show
        Whether a progress bar is shown on stderr.
    """
    comparison, block, flat = _searched(looks, rules)
    chunked = budget.algorithm(images, rules.values, _MEMORY) == "chunked"
    rows = budget.block_rows(len(block.ids), processes, chunksize if chunked else None, comparison.is_wide)
    chunks = Chunks(*block, comparison, cuts_of(comparison.kind, *block, rows))
    found, tasks = [flat], list(chunks.tasks())
    with (
        threads(processes, _MEMORY) as executor,
        progress_bar(show, "comparing", len(tasks), "parts") as more,
    ):
        for part in ChunkedSearch(chunks, tasks, executor, 4 * processes):
            more(int(part.last))
            found.append(part.hits)
    return Neighbourhoods.of_hits(joined(found), rules.settings.mirror)


def _searched(looks: Looks, rules: MatchRules) -> tuple[Comparison, Block, Hits]:
    """Return how and what is searched, and the hits that are no part of the search."""
    orientations = admitted(rules.settings.rotate, rules.settings.mirror)
    if rules.tone_limit is None:
        limit = limit_of(rules.settings.threshold, rules.values)
        return ByTensor(rules.px, limit, looks.tensors, orientations), looks.tensor_block(), joined([])
    by_tone = ByTone(rules.px, rules.tone_limit, looks, orientations)
    return by_tone, looks.tone_block(), by_tone.measured(*looks.flat_pairs().T)
