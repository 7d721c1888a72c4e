"""Reports for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from difwatch.shown import shown, shown_bytes, shown_count, shown_number, shown_passed_over, shown_path

if TYPE_CHECKING:
    from difwatch.matches.collection import Collection
    from difwatch.model.pictures import Group, Image, Member, Pair
    from difwatch.report.status import Status
    from difwatch.rescan.plan import RescanResult


def text_groups(collection: Collection) -> Iterator[str]:
    """Yield the groups, each with its best picture first."""
    groups = collection.groups()
    yield text_of_total(collection, groups) + "\n"
    for group in groups:
        yield f"\n{shown_path(group.primary.path)}  {shown_size(group.primary)}\n"
        for member in group.members:
            note = text_of_match(member, collection.values)
            yield f"  {shown_path(member.image.path)}  {shown_size(member.image)}  {note}\n"


def text_of_total(collection: Collection, groups: Sequence[Group]) -> str:
    """Return the number of groups and of duplicates, and the size of the duplicates."""
    duplicates = sum(len(group.members) for group in groups)
    spare = sum(member.image.size for group in groups for member in group.members)
    if not groups:
        return f"No matches up to an MSE of {collection.threshold:g} among {len(collection.images)} pictures."
    return (
        f"{shown_count(len(groups), 'group')}: {shown_count(duplicates, 'duplicate')} "
        f"among {len(collection.images)} pictures, "
        f"{shown_bytes(spare)} (up to an MSE of {collection.threshold:g})"
    )


def text_of_match(match: Member | Pair, values: int) -> str:
    """Return how alike two pictures are; ``values`` is the number of values in a tensor."""
    mse = f" {match.sse / values:.4g}" if match.level == "similar" else ""
    turn = f", turned by {match.rotation}°" if match.rotation else ""
    return f"{match.level}{mse}{turn}"


def text_pairs(collection: Collection) -> Iterator[str]:
    """Yield the pairs, one per line."""
    for pair in collection.pairs():
        mse = pair.sse / collection.values
        yield f"{shown_path(pair.a.path)}  {shown_path(pair.b.path)}  mse={mse:.4g} rotation={pair.rotation}\n"


def text_status(status: Status) -> Iterator[str]:
    """Yield the status, the most important sentence first."""
    yield status.headline() + "\n"
    for reason in status.reasons:
        yield f"  {shown(reason)}\n"
    for folder in status.folders:
        unreadable = f", {folder.unreadable} unreadable" if folder.unreadable else ""
        yield f"  {shown(folder.path)}: {folder.state}, {shown_count(folder.images, 'picture')}{unreadable}\n"
        if folder.passed_over:
            yield f"    {shown_passed_over(folder.passed_over)}\n"
    known = shown_count(status.index_size, "distinct picture")
    files = shown_count(sum(folder.images for folder in status.folders), "file")
    yield f"  {known} in {files}; {shown_count(status.matches, 'match')} between distinct pictures\n"
    if status.remembered is not None and status.remembered.most is not None:
        yield (
            f"  pairs are remembered up to an MSE of {status.remembered.mse:g} only: there were more than "
            f"{shown_number(status.remembered.most)} up to {status.remembered.wanted:g} (max_pairs)\n"
        )
    if status.rescan_progress is not None:
        yield f"  {_rescan_progress(status, status.rescan_progress)}\n"
    if status.last_rescan is not None and status.last_rescan_result is not None:
        yield f"  the last full search {_rescan_result(status.last_rescan, status.last_rescan_result)}\n"
    lost = {cause: count for cause, count in status.losses.items() if count}
    if lost:
        each = ", ".join(f"{cause.replace('_', ' ')} {count}" for cause, count in lost.items())
        yield f"  events were lost, and the folders walked instead: {each}\n"
    waiting = status.queue.total
    if waiting:
        yield f"  {shown_count(waiting, 'file')} on the way\n"


def _rescan_progress(status: Status, share: float) -> str:
    text = f"a full search is {100 * share:.0f} % done"
    remembered = status.remembered
    if remembered is not None and remembered.is_behind:
        text += f": pairs are remembered up to an MSE of {remembered.mse:g} and will be up to {remembered.wanted:g}"
    return (
        text
        if status.state != "stopped"
        else f"{text}; the next 'difwatch watch' or 'difwatch rescan' goes on with it"
    )


def _rescan_result(ended: str, result: Mapping[str, Any]) -> str:
    text = f"ended at {ended[:16].replace('T', ' ')} UTC after {shown_number(result['seconds'])} s"
    if result["pairs"] is None:
        return text
    return f"{text}: {shown_count(result['pairs'], 'pair')}, missing {result['missing']}, wrong {result['wrong']}"


def text_rescan(result: RescanResult) -> str:
    """Return what a full search did and what it changed."""
    resumed = f", {result.resumed} of {result.tasks} parts were done already" if result.resumed else ""
    text = (
        f"searched {shown_count(result.images, 'distinct picture')} ({result.algorithm}{resumed}): "
        f"{shown_count(result.pairs, 'pair')} up to an MSE of {result.mse:g}; "
    )
    if result.mse > result.remembered:
        return (
            text + f"so far they are remembered now (up to {result.remembered:g} before); "
            f"remember_up_to = {result.mse:g} in the configuration keeps it so"
        )
    if not result.missing and not result.wrong:
        return text + "all of them were remembered already"
    missing, wrong = shown_number(result.missing), shown_number(result.wrong)
    return f"{text}{missing} were missing and were added, {wrong} were wrong and removed"


def shown_size(image: Image) -> str:
    """Return the size of a picture and of its file, and its number of frames if it has several."""
    frames = f", {image.frames} frames" if image.frames > 1 else ""
    return f"{image.width}x{image.height} {shown_bytes(image.size)}{frames}"
