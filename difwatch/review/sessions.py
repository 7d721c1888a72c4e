"""Who may ask: tickets that open the page once, the sessions they begin, and the token of the page."""

from __future__ import annotations

import collections
import secrets
import threading

from difwatch.clock import Clock

_TICKET_SECONDS = 60.0
_SESSIONS_MOST = 8


class Sessions:
    """Tickets and sessions; they end with the process.

    Parameters
    ----------
    clock
        Tells when a ticket is too old.

    Attributes
    ----------
    token
        What a page sends along to prove that it could read an answer.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tickets: dict[str, float] = {}
        self._known: collections.OrderedDict[str, None] = collections.OrderedDict()
        self._lock = threading.Lock()
        self.token = secrets.token_urlsafe(32)

    def ticket(self) -> str:
        """Return a new ticket: it opens the page once, within a minute."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._tickets[ticket] = self._clock.monotonic()
        return ticket

    def begin(self, ticket: str) -> str | None:
        """Use a ticket up; return the secret of a new session, None for a ticket that is unknown, used or too old."""
        with self._lock:
            issued = self._tickets.pop(ticket, None)
            if issued is None or self._clock.monotonic() - issued > _TICKET_SECONDS:
                return None
            secret = secrets.token_urlsafe(32)
            self._known[secret] = None
            if len(self._known) > _SESSIONS_MOST:
                self._known.popitem(last=False)
            return secret

    def knows(self, secret: str) -> bool:
        """Tell whether a session has this secret, in the same time for every wrong one."""
        with self._lock:
            return sum(secrets.compare_digest(secret.encode(), one.encode()) for one in self._known) > 0

    def has_token(self, token: str) -> bool:
        """Tell whether this is the token of the page."""
        return secrets.compare_digest(token.encode(), self.token.encode())
