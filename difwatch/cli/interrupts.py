"""Ctrl-C and SIGTERM while files are moved: the act in hand is finished, and what was done is told."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Whether somebody asked to stop."""

    def __init__(self) -> None:
        self.have_come = False


@contextlib.contextmanager
def noted() -> Iterator[Interrupts]:
    """Only note the first Ctrl-C or SIGTERM meanwhile; the next one ends the process, as it does elsewhere."""
    interrupts = Interrupts()
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def note(number: int, _: object) -> None:
        interrupts.have_come = True
        signal.signal(number, before[signal.Signals(number)])

    for number in _SIGNALS:
        signal.signal(number, note)
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
