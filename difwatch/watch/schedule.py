"""When is a watched folder walked again? Pure: all times are seconds on one steady clock."""

from __future__ import annotations

POLL_SECONDS = 60.0
DAY_SECONDS = 86_400.0
_RETRY_MOST = 3600.0
_PATIENCE = 10  # a walk may take a tenth of the time


class WalkSchedule:
    """The walks of one folder.

    Parameters
    ----------
    confirm_seconds
        Pause before a walk that confirms another one.
    """

    def __init__(self, confirm_seconds: float) -> None:
        self._confirm_seconds = confirm_seconds
        self._is_walking = False
        self._took = 0.0
        self._due: float | None = None
        self._confirms = False
        self._retry = POLL_SECONDS

    @property
    def is_walking(self) -> bool:
        """Whether a walk goes on."""
        return self._is_walking

    @property
    def confirms(self) -> bool:
        """Whether the next walk is one that confirms another one."""
        return self._confirms and self._due is not None

    def begin(self) -> None:
        """Take note that a walk begins."""
        self._is_walking, self._due = True, None

    def end(self, seconds: float) -> None:
        """Take note that it ended and how long it took; without a plan there is no next one."""
        self._took = seconds
        self._is_walking = False

    def plan(self, now: float, again: bool, polled: bool, uncertain: bool) -> None:
        """Plan the next walk; one that was asked for since the last one began stays as soon.

        Parameters
        ----------
        now
            When the last one ended.
        again
            It must be confirmed.
        polled
            Not everything gives events.
        uncertain
            Something could not be read or is not believed: tried again after longer and longer pauses.
        """
        pause = DAY_SECONDS
        if uncertain:
            pause, self._retry = self._retry, min(2 * self._retry, _RETRY_MOST)
        else:
            self._retry = POLL_SECONDS
        if polled:
            pause = min(pause, POLL_SECONDS)
        pause = max(pause, _PATIENCE * self._took)
        self._confirms = again
        self.ask(now + (self._confirm_seconds if again else pause))

    def is_due(self, now: float) -> bool:
        """Tell whether the next walk is to begin."""
        return not self.is_walking and self._due is not None and now >= self._due

    def ask(self, when: float) -> None:
        """Let the next walk begin then at the latest."""
        self._due = when if self._due is None else min(self._due, when)
