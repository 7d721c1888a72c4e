"""What a worker may not do: the decoder in it reads files that may be hostile."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from pathlib import Path

from difwatch.workers.landlock import forbid_files

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 1, 38, 47  # of <linux/prctl.h>
_CLEAR_ALL = 4
_CAPABILITY_VERSION = 0x20080522
_DESCRIPTORS = 64


def limit(memory: int, parent: int) -> None:
    """Limit what this process may use, for good.

    The process may use at most ``memory`` bytes of address space and a few descriptors. It cannot write to files,
    dump core or gain privileges, and it dies with its parent.

    Raises
    ------
    SystemExit
        The parent is gone already.
    """
    limits = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_NOFILE: _DESCRIPTORS,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    die_with(parent)


def die_with(parent: int) -> None:
    """End this process when its parent ends.

    Raises
    ------
    SystemExit
        The parent is gone already.
    """
    _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        raise SystemExit  # the parent died before we asked to die with it


def give_up_rights() -> None:
    """Give up all capabilities, and all files that are not open, for this process and those that it starts.

    What is imported later cannot be read any more.
    """
    _prctl(_PR_CAP_AMBIENT, _CLEAR_ALL)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(struct.pack("Ii", _CAPABILITY_VERSION, 0), bytes(24)) != 0 and _has_capabilities():
        raise OSError(ctypes.get_errno(), "capset")
    forbid_files()


def _has_capabilities() -> bool:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return any(int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("CapEff", "CapPrm")))


def allow_cpu(seconds: float) -> None:
    """Allow this process at least ``seconds`` more of CPU time, and no more than twice that; then the system ends it.

    Setting the limit takes a third of a millisecond, as long as decoding a small picture, so it is not set anew while
    enough is left.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    needed = int(used.ru_utime + used.ru_stime + seconds) + 1
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if soft != resource.RLIM_INFINITY and needed <= soft <= needed + seconds:
        return
    most = needed + int(seconds)
    if hard == resource.RLIM_INFINITY or most <= hard:
        resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
