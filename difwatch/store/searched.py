"""What of a store is searched: tensors by their mean squared error, or tones by their normalised one.

By tones, flat pictures are no part of the search: only those that look the same match, which their digests tell.
Pairs are searched in all orientations, because ``rotate`` and ``mirror`` are applied when matches are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from difwatch.compare.by_tensor import ByTensor
from difwatch.compare.by_tone import ByTone, Pixels, entries_of
from difwatch.compare.comparison import Comparison
from difwatch.compare.hits import HIT, Hits
from difwatch.compare.orientation import ALL
from difwatch.compare.sketch import Block, SketchKind
from difwatch.compare.tensor_sketch import TENSOR_SKETCH
from difwatch.compare.tone_sketch import TONE_SKETCH
from difwatch.model.pictures import Appearance
from difwatch.model.settings import Measure, StoreSettings
from difwatch.store import contents

ORIENTATIONS = ALL
"""In which orientations the pictures of a store are compared."""


def kind(measure: Measure) -> SketchKind:
    """Return what sketches are searched."""
    return TENSOR_SKETCH if measure == "mse" else TONE_SKETCH


def comparison(store: StoreSettings, limit: int, pixels: Pixels) -> Comparison:
    """Return how pictures are compared, up to a limit."""
    if store.measure == "mse":
        return ByTensor(store.px, limit, pixels.tensors, ORIENTATIONS)
    return ByTone(store.px, limit, pixels, ORIENTATIONS)


def known(connection: Connection, store: StoreSettings, last: int | None = None) -> Block:
    """Return the sketches that are searched, of pictures up to and including ``last``."""
    read = contents.sketches if store.measure == "mse" else contents.tone_sketches
    return read(connection, store.recipe_id, last)


def new(store: StoreSettings, appearances: Mapping[int, Appearance]) -> Block:
    """Return the sketches that are searched, of new pictures by their tensor ids."""
    if store.measure == "mse":
        return _block({id_: one.sketch for id_, one in appearances.items()}, TENSOR_SKETCH)
    ids = np.array(list(appearances), np.int64)
    entries = entries_of(ids, inside=False), entries_of(ids, inside=True)
    looks = list(appearances.values())
    rows = [one.tone_sketch for one in looks], [one.inside_sketch for one in looks]
    pairs = zip(np.concatenate(entries).tolist(), rows[0] + rows[1], strict=True)
    return _block({entry: row for entry, row in pairs if row}, TONE_SKETCH)


def entries(store: StoreSettings, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ids in the search of some pictures."""
    if store.measure == "mse":
        return ids
    return np.concatenate([entries_of(ids, inside=False), entries_of(ids, inside=True)])


def flat(connection: Connection, store: StoreSettings, limit: int, ids: Sequence[int] | None = None) -> Hits:
    """Return the hits between flat pictures that look the same, if the search leaves them out; of some or all."""
    if store.measure == "mse" or limit < 0:
        return np.empty(0, HIT)
    pairs = contents.alike(connection, store.recipe_id, ids)
    by_tone = ByTone(store.px, limit, contents.StorePixels(connection), ORIENTATIONS)
    return by_tone.measured(pairs[:, 0], pairs[:, 1])


def _block(rows: Mapping[int, bytes], kind: SketchKind) -> Block:
    data = np.frombuffer(b"".join(rows.values()), np.float32).reshape(len(rows), kind.size)
    return Block(np.array(list(rows), np.int64), data)
