"""Weight and colour of text on a terminal, by what the text means."""

from __future__ import annotations

from dataclasses import dataclass

_RESET = "\x1b[0m"
_BOLD, _FAINT, _GREEN, _YELLOW, _RED, _CYAN = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[36m"
_LEVELS = {"identical": _GREEN, "duplicate": _GREEN, "similar": _CYAN, "edited": _YELLOW}
_STATES = {"running": _GREEN, "degraded": _RED, "stopped": _YELLOW}


@dataclass(frozen=True, slots=True)
class Paint:
    """Paints text, or leaves it as it is."""

    is_on: bool = False

    def strong(self, text: str) -> str:
        """Return what is to be seen first."""
        return self._painted(text, _BOLD)

    def faint(self, text: str) -> str:
        """Return what is seldom needed."""
        return self._painted(text, _FAINT)

    def warning(self, text: str) -> str:
        """Return what needs attention."""
        return self._painted(text, _YELLOW)

    def level(self, text: str, level: str) -> str:
        """Return how alike two pictures are."""
        return self._painted(text, _LEVELS.get(level, ""))

    def state(self, text: str, state: str) -> str:
        """Return a sentence about the daemon."""
        return self._painted(text, _BOLD + _STATES.get(state, ""))

    def _painted(self, text: str, style: str) -> str:
        return f"{style}{text}{_RESET}" if self.is_on and style and text else text


PLAIN = Paint()
"""For files, pipes and programs."""
