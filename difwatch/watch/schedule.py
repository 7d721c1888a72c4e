"""When a watched folder is walked again. Pure: times are seconds of the monotonic clock."""

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
        """Whether a walk is running."""
        return self._is_walking

    @property
    def confirms(self) -> bool:
        """Whether the next walk confirms another one."""
        return self._confirms and self._due is not None

    def begin(self) -> None:
        """Note that a walk begins."""
        self._is_walking, self._due = True, None

    def end(self, seconds: float) -> None:
        """Note that a walk of ``seconds`` has ended; without `plan` there is no next one."""
        self._took = seconds
        self._is_walking = False

    def plan(self, now: float, again: bool, polled: bool, uncertain: bool) -> None:
        """Plan the next walk; one that was asked for since the last one began is not put off.

        Parameters
        ----------
        now
            When the last walk ended.
        again
            Whether that walk must be confirmed.
        polled
            Whether some files cause no events.
        uncertain
            Whether something could not be read or is not believed; it is tried again after growing pauses.
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
        """Have the next walk begin by ``when``."""
        self._due = when if self._due is None else min(self._due, when)
