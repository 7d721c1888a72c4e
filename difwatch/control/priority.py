"""Working behind everything else of the machine."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform

_NICE = 10
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
_WHO_PROCESS, _IDLE = 1, 3 << 13


def give_way() -> None:
    """Let this process, and those that it starts, wait for other programs at the processor and at the disk."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(_NICE, os.getpriority(os.PRIO_PROCESS, 0)))
    number = _IOPRIO_SET.get(platform.machine())
    if number is not None:
        ctypes.CDLL(None).syscall(number, _WHO_PROCESS, 0, _IDLE)
