"""Why two picture files do or do not match, from the files themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from difwatch.compare.distance import FAR, limit_of
from difwatch.compare.orientation import DEGREES, MIRRORED, admitted
from difwatch.compare.pair import Pixels, pixels, tensor_errors, tone_errors
from difwatch.errors import UsageError
from difwatch.matches.errors import how_alike, mean_errors
from difwatch.matches.groups import KEEP_RULES, is_hidden, keep_order
from difwatch.matches.rules import MatchRules, Mismatch
from difwatch.model.jobs import Decoder, Postponed, Tensorized, Unreadable
from difwatch.model.pictures import Errors, Ignored, Image
from difwatch.model.settings import KeepRule
from difwatch.report.formats import image_as_json
from difwatch.shown import shown_path

_MISMATCHES = {
    Mismatch.OTHER_SIZE: "their sizes differ, and same_dim is on (--any-size counts them)",
    Mismatch.OTHER_SCOPE: "they are in different folders, of which one is compared by itself (in_folder)",
    Mismatch.REFERENCES: "both are in reference folders, and compare_references is off",
    Mismatch.OTHER_KIND: "only one of them is a raw file, of which a preview was compared",
    Mismatch.IGNORED: "somebody said that they are no duplicates ('difwatch ignore --remove' takes it back)",
}


@dataclass(frozen=True, slots=True)
class _Read:
    image: Image
    pixels: Pixels
    identity: tuple[int, int]


def explain(
    a: bytes,
    b: bytes,
    rules: MatchRules,
    decoder: Decoder,
    images: Sequence[Image] = (),
    ignored: Ignored = frozenset(),
) -> Iterator[str]:
    """Compare two files rule by rule.

    Parameters
    ----------
    rules
        What counts as a match.
    decoder
        Makes tensors as these rules compare them.
    images
        The pictures that the store knows, for the folders that the files belong to.
    ignored
        Pairs of contents that a person recorded as no duplicates.

    Yields
    ------
    str
        One line of the explanation.

    Raises
    ------
    UsageError
        A file cannot be read as a picture.
    """
    read_a, read_b = _read_both(a, b, rules, decoder, images)
    for read in (read_a, read_b):
        image = read.image
        yield f"{shown_path(image.path)}"
        yield f"  {image.width}x{image.height} pixels, {image.size} bytes, digest {image.digest.hex()[:16]}"
        if known_facts := ", ".join(filter(None, (image.facts.camera, image.facts.taken))):
            yield f"  {known_facts}"
        if image.frames > 1:
            yield f"  {image.frames} frames, of which the first is compared"
    yield "bytes: " + ("identical" if read_a.image.digest == read_b.image.digest else "different")
    views = list(_views(read_a, read_b, rules))
    for errors in views:
        yield _nearest(errors, rules)
    yield from _verdict(read_a, read_b, views, rules, ignored)


def explain_json(
    a: bytes,
    b: bytes,
    rules: MatchRules,
    decoder: Decoder,
    images: Sequence[Image] = (),
    ignored: Ignored = frozenset(),
) -> dict[str, Any]:
    """Return the same for programs: both pictures, the errors of each view, and the verdict in words.

    The parameters are those of `explain`.
    """
    read_a, read_b = _read_both(a, b, rules, decoder, images)
    views = list(_views(read_a, read_b, rules))
    return {
        "a": image_as_json(read_a.image),
        "b": image_as_json(read_b.image),
        "views": [
            mean_errors(errors, rules.px)
            | {"rotation": errors.rotation, "tone_rotation": errors.tone_rotation, "mirrored": errors.mirrored}
            for errors in views
        ],
        "verdict": list(_verdict(read_a, read_b, views, rules, ignored)),
    }


def _read_both(
    a: bytes, b: bytes, rules: MatchRules, decoder: Decoder, images: Sequence[Image]
) -> tuple[_Read, _Read]:
    known = {path: image for image in images for path in (image.path, *image.links)}
    first, second = (_read(path, rules, decoder, known.get(os.path.realpath(path))) for path in (a, b))
    return first, second


def _verdict(a: _Read, b: _Read, views: Sequence[Errors], rules: MatchRules, ignored: Ignored) -> Iterator[str]:
    matching = next((errors for errors in views if rules.level(a.image, b.image, errors) is not None), views[0])
    mismatch = rules.mismatch(a.image, b.image, matching, ignored)
    if a.identity == b.identity:
        yield "no match: both are names of one and the same file (hard links)"
    elif mismatch is Mismatch.TOO_FAR:
        yield f"no match: {_too_far(views, min(a.image.limit, b.image.limit), rules)}"
    elif mismatch is not None:
        yield f"no match: {_MISMATCHES[mismatch]}"
    else:
        level = rules.level(a.image, b.image, matching)
        assert level is not None
        is_shot = rules.are_shots(a.image, b.image, level)
        yield f"match: {how_alike(matching, level, rules.px, is_shot)}"
        yield _kept(a.image, b.image, rules.keep_in(a.image.scope))


def _nearest(errors: Errors, rules: MatchRules) -> str:
    """Return in which turn of the second picture each error is smallest."""
    means = mean_errors(errors, rules.px)
    text = f"MSE {means['mse']:.6g}, the second turned by {errors.rotation}°"
    if rules.tone_limit is not None and means["nmse"] is not None:
        text += f"; NMSE {means['nmse']:.4g}, by {errors.tone_rotation}°"
    return f"mirrored: {text}" if errors.mirrored else text


def _views(a: _Read, b: _Read, rules: MatchRules) -> Iterator[Errors]:
    """Yield how far the second picture is as it is or turned, and mirrored if that counts."""
    by_tensor = tensor_errors(a.pixels[0], b.pixels[0])
    by_tone = tone_errors(a.pixels, b.pixels)
    numbers = admitted(rules.settings.rotate, rules.settings.mirror)
    for mirrored in (False, True):
        some = [number for number in numbers if (number in MIRRORED) == mirrored]
        if some:
            best, tone = (some[int(errors[some].argmin())] for errors in (by_tensor, by_tone))
            far = -1 if by_tone[tone] == FAR else int(by_tone[tone])
            yield Errors(int(by_tensor[best]), far, int(DEGREES[best]), int(DEGREES[tone]), mirrored)


def _too_far(views: Sequence[Errors], limit: int, rules: MatchRules) -> str:
    by_tensor = min(views, key=lambda errors: errors.sse)
    mse = f"the smallest MSE, {mean_errors(by_tensor, rules.px)['mse']:.6g}, is above {limit / rules.values:g}"
    if rules.tone_limit is None:
        return mse
    by_tone = min(views, key=lambda errors: FAR if errors.tone < 0 else errors.tone)
    if by_tone.tone < 0:
        return "a flat picture has no tone, so only one that looks the same matches it"
    if by_tone.tone > rules.tone_limit:
        nmse = mean_errors(by_tone, rules.px)["nmse"]
        return f"the smallest NMSE, {nmse:.4g}, is above {rules.settings.nmse:g}"
    return f"{mse} (edited versions do not count)"


def _kept(a: Image, b: Image, keep: Sequence[KeepRule]) -> str:
    first, second = keep_order((a, b), keep)
    if first.reference != second.reference:
        return f"kept: {shown_path(first.path)} (it is in a reference folder)"
    if is_hidden(first) != is_hidden(second):
        return f"kept: {shown_path(first.path)} (the other one is hidden)"
    last: KeepRule = "path"
    rule = next(name for name in (*keep, last) if KEEP_RULES[name](first) != KEEP_RULES[name](second))
    return f"kept: {shown_path(first.path)} (better by {rule})"


def _read(path: bytes, rules: MatchRules, decoder: Decoder, known: Image | None) -> _Read:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            answer = decoder.decode(path, descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UsageError(f"{shown_path(path)}: cannot be read: {error.strerror}") from error
    if not isinstance(answer, Tensorized) or answer.appearance is None or answer.state.key is None:
        why = answer.reason if isinstance(answer, Unreadable | Postponed) else "this is no file, or is being changed"
        raise UsageError(f"{shown_path(path)}: {why}")
    key, look = answer.state.key, answer.appearance
    image = Image(path, 0, answer.digest, answer.width, answer.height, key.size, key.mtime_ns, frames=answer.frames)
    limit = limit_of(rules.settings.threshold, rules.values) if known is None else known.limit
    image = replace(image, facts=answer.facts, limit=limit)
    if known is not None:
        image = replace(image, scope=known.scope, reference=known.reference, position=known.position)
    return _Read(image, pixels(look.tensor, look.inside), (key.dev, key.inode))
