"""Telling systemd how the service is: a line to the socket that it names."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping


class Notifier:
    """Sends states to ``NOTIFY_SOCKET``; does nothing where there is none.

    Parameters
    ----------
    environment
        Of the process.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        named = environment.get("WATCHDOG_USEC", "")
        mine = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_seconds = int(named) / 1e6 if named.isdigit() and mine else None
        """Within how many seconds a ping is wanted; None for no pings."""

    def send(self, *states: str) -> None:
        """Send states such as ``READY=1`` or ``STATUS=up to date``."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        # A service manager that does not listen is no reason to stop, and one that does not read none to wait.
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, kind) as to:
            to.sendto("\n".join(states).encode(), address)
