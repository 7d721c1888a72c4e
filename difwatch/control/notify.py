"""Reporting the state of the service to systemd, over the socket that systemd names."""

from __future__ import annotations

import contextlib
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

    def send(self, *states: str) -> None:
        """Send states such as ``READY=1`` or ``STATUS=up to date``; each is one line, whatever is in it."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        # A service manager that does not listen must not stop us, and one that does not read must not make us wait.
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, kind) as to:
            lines = (" ".join(state.splitlines()) for state in states)
            to.sendto("\n".join(lines).encode(errors="backslashreplace"), address)
