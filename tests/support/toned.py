"""Tensors of pictures that were edited, and which pairs of them match by their tones as the naive twin finds them."""

from __future__ import annotations

import numpy as np

from difwatch.compare.tone import tones
from tests.support import naive
from tests.support.searching import as_rows


def edited(seed, count, px):
    """Tensors in clusters of smooth pictures, made brighter or of less contrast, noisy, turned and mirrored."""
    rng = np.random.default_rng(seed)
    fine = -(-px // 4)
    bases = [rng.integers(0, 256, (4, 4, 3)).repeat(fine, 0).repeat(fine, 1)[:px, :px] for _ in range(3)]
    bases += [np.full((px, px, 3), 128)]
    rows = []
    for _ in range(count):
        one = bases[rng.integers(len(bases))] * rng.uniform(0.5, 1.1) + rng.integers(0, 40)
        one = one + rng.normal(0, rng.choice([0, 2, 20]), (px, px, 3))
        rows.append(naive.orient(np.clip(one, 0, 255), int(rng.integers(8))))
    return np.stack(rows).astype(np.uint8) if rows else np.zeros((0, px, px, 3), np.uint8)


def some_insides(seed, ids, tensors):
    """Some pictures have a second tone, by id: often that of another picture."""
    rng = np.random.default_rng(seed)
    found, has_tone = tones(as_rows(tensors))
    px = tensors.shape[1]
    chosen = {id_: int(rng.integers(len(ids))) for id_ in ids if rng.random() < 0.4}
    return {id_: found[other].reshape(px, px, 1) for id_, other in chosen.items() if has_tone[other]}


def twin(ids, tensors, insides, limit, rotate, mirror):
    """Pair of pictures to their smallest errors: of tensors, and of tones, in each admitted orientation."""
    own = {}
    for id_, tensor in zip(ids, tensors, strict=True):
        first = naive.tone(tensor)
        own[id_] = ([first[:, :, None]] if first is not None else []) + ([insides[id_]] if id_ in insides else [])
    found = {}
    for i, a in enumerate(ids):
        for j, b in enumerate(ids):
            errors = {number: naive.tone_sse(own[a], own[b], number) for number in naive.admitted(rotate, mirror)}
            errors = {number: error for number, error in errors.items() if error is not None and error <= limit}
            if a < b and errors:
                by_tensor = {
                    number: naive.sse(tensors[i], naive.orient(tensors[j], number))
                    for number in naive.admitted(rotate, mirror)
                }
                found[a, b] = (by_tensor, errors)
    return found
