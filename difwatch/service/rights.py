"""The right to change files, which a daemon gives up unless it is to move pictures.

Source: Landlock, by `difwatch.workers.landlock`. Only the first thread and those that it begins later are restricted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from difwatch.config import Config
from difwatch.errors import UsageError
from difwatch.workers.landlock import forbid_changes


class Rights:
    """What this process may change.

    Parameters
    ----------
    changes
        The places that it changes in any case; None if it gives up nothing.
    """

    def __init__(self, changes: Sequence[Path] | None) -> None:
        self._changes = changes
        self._are_given_up = False

    def give_up(self, config: Config) -> None:
        """Give up changing anything else, if a configuration moves no picture and the kernel has Landlock."""
        if self._changes is not None and not config.policies():
            there = [os.fsencode(path) for path in self._changes if path.exists()]
            self._are_given_up = forbid_changes(there) > 0

    def checked(self, read: Callable[[], Config]) -> Callable[[], Config]:
        """Return a function that reads a configuration, and refuses one that needs what was given up."""

        def read_checked() -> Config:
            config = read()
            if self._are_given_up and config.policies():
                raise UsageError(
                    'action = "move": needs a restart, because this difwatch gave up the right to change pictures'
                )
            return config

        return read_checked
