"""The status, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from difwatch.report.paint import PLAIN, Paint
from difwatch.report.status import Status
from difwatch.report.text import text_of_error
from difwatch.shown import shown, shown_count, shown_duration, shown_moment, shown_number, shown_passed_over


def text_status(status: Status, paint: Paint = PLAIN) -> Iterator[str]:
    """Yield the status, the most important sentence first."""
    yield paint.state(status.headline(), status.state) + "\n"
    for reason in status.reasons:
        yield paint.warning(f"  {shown(reason)}") + "\n"
    for note in status.notes:
        yield f"  note: {shown(note)}\n"
    yield from _known(status)
    yield from _searched(status)
    lost = {cause: count for cause, count in status.losses.items() if count}
    if lost and status.lost_lately:
        each = ", ".join(f"{cause.replace('_', ' ')} {count}" for cause, count in lost.items())
        yield f"  events were lost, and the folders walked instead: {each}\n"
    if status.queue.total:
        yield f"  {_on_the_way(status)}\n"
    elif status.found is not None and status.found.duplicates:
        yield "  next: 'difwatch review' shows them, 'difwatch report' lists them, 'difwatch apply' moves them\n"


def _known(status: Status) -> Iterator[str]:
    """Yield what is known of the folders and the matches."""
    for folder in status.folders:
        unreadable = f", {folder.unreadable} unreadable" if folder.unreadable else ""
        yield f"  {shown(folder.path)}: {folder.state}, {shown_count(folder.images, 'picture')}{unreadable}\n"
        if folder.passed_over:
            yield f"    {shown_passed_over(folder.passed_over)}\n"
    pictures = shown_count(status.index_size, "distinct picture")
    files = shown_count(sum(folder.images for folder in status.folders), "file")
    yield f"  {pictures} in {files}; {shown_count(status.matches, 'match')} between distinct pictures\n"
    if status.found is not None:
        yield f"  {status.found.text()}\n"
    if status.last_new is not None:
        yield f"  the last new picture came at {shown_moment(status.last_new)}\n"


def _searched(status: Status) -> Iterator[str]:
    """Yield how far pairs are searched."""
    if status.remembered is not None and status.remembered.most is not None:
        known = text_of_error(status.remembered.error, status.measure)
        yield (
            f"  pairs are remembered up to {known} only: there were more than "
            f"{shown_number(status.remembered.most)} up to {status.remembered.wanted:g} (max_pairs)\n"
        )
    if status.rescan_progress is not None:
        yield f"  {_rescan_progress(status, status.rescan_progress)}\n"
    if status.last_rescan is not None and status.last_rescan_result is not None:
        yield f"  the last full search {_rescan_result(status.last_rescan, status.last_rescan_result)}\n"


def _on_the_way(status: Status) -> str:
    left = status.queue.total
    text = f"{shown_count(left, 'file')} on the way"
    if not status.pace:
        return text
    is_walking = any(folder.state == "scanning" for folder in status.folders)
    end = "folders are still being walked" if is_walking else f"{shown_duration(round(left / status.pace))} left"
    return f"{text}, {shown_number(status.pace)} a second, {end}"


def _rescan_progress(status: Status, share: float) -> str:
    text = f"a full search is {100 * share:.0f} % done"
    remembered = status.remembered
    if remembered is not None and remembered.is_behind:
        wanted = text_of_error(remembered.wanted, status.measure)
        before = f"are remembered up to {remembered.error:g} and " if remembered.error >= 0 else ""
        text += f": pairs {before}will be remembered up to {wanted}"
    return (
        text
        if status.state != "stopped"
        else f"{text}; the next 'difwatch watch' or 'difwatch rescan' goes on with it"
    )


def _rescan_result(ended: str, result: Mapping[str, Any]) -> str:
    text = f"ended at {shown_moment(ended)} after {shown_number(result['seconds'])} s"
    if result["pairs"] is None:
        return text
    return f"{text}: {shown_count(result['pairs'], 'pair')}, missing {result['missing']}, wrong {result['wrong']}"
