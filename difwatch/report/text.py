"""Matches and full searches, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from difwatch import paths
from difwatch.matches.errors import as_fields, as_text, how_alike
from difwatch.model.pictures import unseen_frames
from difwatch.report.paint import PLAIN, Paint
from difwatch.shown import (
    shown_bytes,
    shown_count,
    shown_number,
    shown_path,
)

if TYPE_CHECKING:
    from difwatch.matches.collection import Collection
    from difwatch.matches.groups import Groups
    from difwatch.model.pictures import Image
    from difwatch.model.settings import Measure
    from difwatch.report.found import Grouped
    from difwatch.rescan.plan import RescanResult


def text_groups(collection: Grouped, paint: Paint = PLAIN, below: bytes | None = None) -> Iterator[str]:
    """Yield the groups of copies and then those of edited versions, each with its best picture first.

    Parameters
    ----------
    below
        A directory that holds all pictures; it is named once, and paths are relative to it.
    """
    groups, edited = collection.copies_and_edited()
    yield paint.strong(text_of_total(collection, groups)) + "\n"
    if below is not None and (len(groups) or len(edited)):
        yield paint.faint(f"in {shown_path(below)}:") + "\n"
    yield from _groups(groups, collection.px, paint, below)
    if len(edited):
        yield f"\n{paint.strong(text_of_edited(edited))}\n"
        yield from _groups(edited, collection.px, paint, below)


def _groups(groups: Groups, px: int, paint: Paint, below: bytes | None) -> Iterator[str]:
    for group in groups:
        yield f"\n{paint.strong(_name(group.primary, below))}  {paint.faint(shown_size(group.primary))}\n"
        for member in group.members:
            note = paint.level(how_alike(member.errors, member.level, px, member.is_shot), member.level)
            if (reason := unseen_frames(member.image, group.primary)) is not None:
                note += paint.warning(f" (stays: {reason})")
            yield f"  {_name(member.image, below)}  {paint.faint(shown_size(member.image))}  {note}\n"


def _name(image: Image, below: bytes | None) -> str:
    return shown_path(image.path if below is None else paths.relative(image.path, below))


def text_of_total(collection: Grouped, groups: Groups) -> str:
    """Return the number of groups and of duplicates, and the size of the duplicates."""
    within = text_of_limits(collection)
    if not len(groups):
        return f"No matches {within} among {shown_count(collection.pictures, 'picture')}."
    return (
        f"{shown_count(len(groups), 'group')}: {shown_count(groups.members, 'duplicate')} "
        f"among {shown_count(collection.pictures, 'picture')}, "
        f"{shown_bytes(groups.bytes)} ({within})"
    )


def text_of_limits(collection: Grouped | Collection) -> str:
    """Return up to which errors pictures count as similar."""
    nmse = collection.rules.settings.nmse
    if nmse is not None and nmse < 0:
        return "of pictures that look the same; 'difwatch status' says how far the search for others is"
    tones = "" if nmse is None else f" and an NMSE of {nmse:g}"
    return f"up to an MSE of {collection.threshold:g}{tones}"


def text_of_edited(edited: Groups) -> str:
    """Return the number of edited versions and of other shots, and what happens to them."""
    shots = edited.shots
    versions = edited.members - shots
    parts = []
    if versions:
        what = shown_count(versions, "edited version")
        parts.append(f"{what} (brighter, grey, framed, mirrored …; they stay unless act_on says so)")
    if shots:
        what = shown_count(shots, "other shot")
        parts.append(f"{what} (taken at another moment; they stay unless act_on_shots says so)")
    return " and ".join(parts) + ":"


def text_pairs(collection: Collection, paint: Paint = PLAIN, below: bytes | None = None) -> Iterator[str]:
    """Yield the pairs, one per line; the parameters are those of `text_groups`."""
    if below is not None:
        yield paint.faint(f"in {shown_path(below)}:") + "\n"
    for pair in collection.pairs():
        fields = as_fields(pair.errors, pair.level, collection.px, pair.are_shots)
        yield f"{_name(pair.a, below)}  {_name(pair.b, below)}  {paint.level(as_text(fields), pair.level)}\n"


def text_rescan(result: RescanResult) -> str:
    """Return what a full search did and what it changed."""
    resumed = f", {result.resumed} of {result.tasks} parts were done already" if result.resumed else ""
    text = (
        f"searched {shown_count(result.images, 'distinct picture')} ({result.algorithm}{resumed}): "
        f"{shown_count(result.pairs, 'pair')} up to {text_of_error(result.error, result.measure)}; "
    )
    if result.error > result.remembered:
        if result.remembered < 0:
            return text + "so far they are remembered now"
        setting = "nmse" if result.measure == "nmse" else "remember_up_to"
        return (
            text + f"so far they are remembered now (up to {result.remembered:g} before); "
            f"{setting} = {result.error:g} in the configuration keeps it so"
        )
    if not result.missing and not result.wrong:
        return text + "all of them were remembered already"
    missing, wrong = shown_number(result.missing), shown_number(result.wrong)
    return f"{text}{missing} were missing and were added, {wrong} were wrong and removed"


def text_of_error(error: float, measure: Measure | None) -> str:
    """Return an error with the name of its measure."""
    return f"an {(measure or 'mse').upper()} of {error:g}"


def shown_size(image: Image) -> str:
    """Return the size of a picture and of its file, and its number of frames if it has several."""
    frames = f", {image.frames} frames" if image.frames > 1 else ""
    return f"{image.width}x{image.height} {shown_bytes(image.size)}{frames}"
