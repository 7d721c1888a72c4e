"""Commands named in messages, as they must be typed to reach the same store."""

from __future__ import annotations

import os

from difwatch.control.state_dir import OF_MACHINE, StateDir

_option = ""


def reach(state_dir: StateDir) -> None:
    """Let the commands in messages reach a state directory, if it is that of the machine's service."""
    global _option
    _option = "--system " if os.path.realpath(state_dir.path) == os.path.realpath(OF_MACHINE.path) else ""


def completed(text: str) -> str:
    """Return a message with the option that its commands need."""
    return text.replace("'difwatch ", f"'difwatch {_option}") if _option else text
