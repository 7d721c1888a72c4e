"""A progress bar with the rate and the time left, on a terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

import click

from difwatch.clock import SystemClock


@contextlib.contextmanager
def progress_bar(show: bool, label: str, length: int, noun: str) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with the number of items done since its last call."""
    if not show or not length:
        yield lambda more: None
        return
    clock = SystemClock()
    started = clock.monotonic()
    done = 0

    def rate(_item: object) -> str:
        seconds = clock.monotonic() - started
        return f"{done / seconds:.0f} {noun} a second" if seconds > 0 else ""

    with click.progressbar(length=length, label=label, file=sys.stderr, item_show_func=rate, show_pos=True) as bar:

        def more(number: int) -> None:
            nonlocal done
            done += number
            bar.update(number, current_item=done)

        yield more
