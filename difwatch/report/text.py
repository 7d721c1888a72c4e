"""Reports for people."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from difwatch.model import Group, Image, Member, Pair, Rescanned
from difwatch.report.status import Status
from difwatch.report.summary import Summary
from difwatch.report.verify import Audit

_CONTROL = {number: f"\\x{number:02x}" for number in (*range(32), 127)}


def shown(text: str) -> str:
    """Text that is safe to print on one line: bytes that are not UTF-8 and control characters are escaped."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").translate(_CONTROL)


def shown_path(path: bytes) -> str:
    """A path as text that is safe to print."""
    return shown(os.fsdecode(path))


def text_groups(summary: Summary) -> Iterator[str]:
    """The groups, each with its best picture first."""
    groups = summary.groups()
    yield text_of_total(summary, groups) + "\n"
    for group in groups:
        yield f"\n{shown_path(group.primary.path)}  {shown_size(group.primary)}\n"
        for member in group.members:
            note = text_of_match(member, summary.values)
            yield f"  {shown_path(member.image.path)}  {shown_size(member.image)}  {note}\n"


def text_of_total(summary: Summary, groups: Sequence[Group]) -> str:
    """How many groups there are, and what they take."""
    lesser = sum(len(group.members) for group in groups)
    spare = sum(member.image.size for group in groups for member in group.members)
    if not groups:
        return f"No matches up to an MSE of {summary.settings.threshold:g} among {len(summary.images)} pictures."
    return (
        f"{_count(len(groups), 'group')}: {_count(lesser, 'lesser picture')} of {len(summary.images)}, "
        f"{shown_bytes(spare)} (up to an MSE of {summary.settings.threshold:g})"
    )


def text_of_match(match: Member | Pair, values: int) -> str:
    """How alike two pictures are, whose tensors have so many values."""
    mse = f" {match.sse / values:.4g}" if match.level == "similar" else ""
    turn = f", turned by {match.rotation}°" if match.rotation else ""
    return f"{match.level}{mse}{turn}"


def text_pairs(summary: Summary) -> Iterator[str]:
    """The pairs, one a line."""
    for pair in summary.pairs():
        mse = pair.sse / summary.values
        yield f"{shown_path(pair.a.path)}  {shown_path(pair.b.path)}  mse={mse:.4g} rotation={pair.rotation}\n"


def text_status(status: Status) -> Iterator[str]:
    """How things are; the first sentence is the one that matters."""
    yield status.headline() + "\n"
    for reason in status.reasons:
        yield f"  {shown(reason)}\n"
    for folder in status.folders:
        unreadable = f", {folder.unreadable} unreadable" if folder.unreadable else ""
        yield f"  {shown(folder.path)}: {folder.state}, {_count(folder.images, 'picture')}{unreadable}\n"
    yield f"  {_count(status.index_size, 'distinct picture')} known, {_count(status.matches, 'match')} remembered\n"
    if status.remembered is not None and status.remembered.most is not None:
        yield (
            f"  pairs are remembered up to an MSE of {status.remembered.mse:g} only: there were more than "
            f"{_number(status.remembered.most)} up to {status.remembered.wanted:g} (max_pairs)\n"
        )
    if status.rescan_progress is not None:
        yield f"  a full search is {100 * status.rescan_progress:.0f} % done; 'difwatch rescan' goes on with it\n"
    if status.last_rescan is not None and status.last_rescan_result is not None:
        yield f"  the last full search {_rescan_result(status.last_rescan, status.last_rescan_result)}\n"
    lost = {cause: count for cause, count in status.losses.items() if count}
    if lost:
        each = ", ".join(f"{cause.replace('_', ' ')} {count}" for cause, count in lost.items())
        yield f"  events were lost, and the folders walked instead: {each}\n"
    waiting = sum(status.queue.values())
    if waiting:
        yield f"  {_count(waiting, 'file')} on the way\n"


def _rescan_result(ended: str, result: Mapping[str, Any]) -> str:
    text = f"ended at {ended[:16].replace('T', ' ')} UTC after {_number(result['seconds'])} s"
    if result["pairs"] is None:
        return text
    return f"{text}: {_count(result['pairs'], 'pair')}, missing {result['missing']}, wrong {result['wrong']}"


def text_rescan(result: Rescanned) -> str:
    """What a full search was and what it changed."""
    resumed = f", {result.resumed} of {result.tasks} parts were done already" if result.resumed else ""
    text = (
        f"searched {_count(result.images, 'distinct picture')} ({result.algorithm}{resumed}): "
        f"{_count(result.pairs, 'pair')} up to an MSE of {result.mse:g}; "
    )
    if result.mse > result.remembered:
        return (
            text + f"so far they are remembered now (up to {result.remembered:g} before); "
            f"remember_up_to = {result.mse:g} in the configuration keeps it so"
        )
    if not result.missing and not result.wrong:
        return text + "all of them were remembered already"
    return (
        text
        + f"{_number(result.missing)} were missing and were added, {_number(result.wrong)} were wrong and removed"
    )


def text_audit(found: Audit) -> str:
    """What an audit compared and found."""
    return (
        f"compared {_count(found.sample, 'distinct picture')} with all {_number(found.images)} "
        f"({_count(found.compared, 'pair')}) by brute force, up to an MSE of {found.mse:g}: "
        f"{_count(found.pairs, 'match')}, {_number(found.missing)} missing, {_number(found.wrong)} wrong; "
        f"recall {100 * found.recall:.6g} %"
    )


def _number(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _count(number: int, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("ch") else "s")
    return f"{_number(number)} {noun if number == 1 else plural}"


def shown_size(image: Image) -> str:
    """The size of a picture and of its file."""
    return f"{image.width}x{image.height} {shown_bytes(image.size)}"


def shown_bytes(number: int) -> str:
    """A number of bytes in the largest unit that fits."""
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
