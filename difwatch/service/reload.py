"""The configuration in force, and the next one."""

from __future__ import annotations

import logging
from collections.abc import Callable

from difwatch.config import Config
from difwatch.errors import UsageError
from difwatch.watch.inbox import Inbox

log = logging.getLogger(__name__)


class ConfigSource:
    """Reads the configuration, at the start and on request.

    Parameters
    ----------
    read
        Reads and checks the configuration; raises a `UsageError` that names what is wrong.
    inbox
        Woken when a reload is requested.
    """

    def __init__(self, read: Callable[[], Config], inbox: Inbox) -> None:
        self._read = read
        self._inbox = inbox
        self._next: Config | None = None
        self._is_wanted = False
        self.mistake: str | None = None
        """What is wrong with the configuration since it was last read; None if nothing is."""
        self.config = read()
        """The configuration in force."""

    def want(self) -> None:
        """Request a reload of the configuration; allowed in a signal handler."""
        self._is_wanted = True
        self._inbox.wake()

    def reload(self) -> None:
        """Read the configuration now; the loop puts it in force soon.

        Raises
        ------
        UsageError
            The configuration is wrong; the one in force stays.
        """
        try:
            self._next, self.mistake = self._read(), None
        except UsageError as error:
            self.mistake = "; ".join(str(error).splitlines())
            raise

    def ask_again(self) -> None:
        """Have the configuration put in force again, because a path in it leads elsewhere now."""
        if self._next is None:  # one that waits already will look for the folders anew
            self._next = self.config

    def waiting(self) -> Config | None:
        """Return the configuration that waits to be put in force; None if there is none."""
        if self._is_wanted:
            self._is_wanted = False
            try:
                self.reload()
            except UsageError as error:
                for mistake in str(error).splitlines():
                    log.error("the configuration is wrong, and the one in force stays: %s", mistake)
        return self._next

    def is_settled(self) -> bool:
        """Tell whether no configuration waits to be put in force."""
        return self._next is None and not self._is_wanted

    def put_in_force(self, config: Config) -> None:
        """Note that a configuration is in force."""
        self.config, self._next = config, None
