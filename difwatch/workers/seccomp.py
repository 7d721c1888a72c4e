"""The system calls that a worker may make, for good: those that decoding from memory needs, and no other.

Refused calls fail with EPERM. So a worker opens no file and no socket, starts no program and no process, sends no
signal, and changes nothing about a file, whatever Landlock can do on this kernel.

Source: the kernel's documentation, userspace-api/seccomp_filter, and linux/filter.h.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import struct

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_LOAD, _JUMP_EQUAL, _JUMP_FROM, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL, _ERROR, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_FIRST_ARGUMENT, _SECOND_ARGUMENT = 16, 24  # the lower halves of them
_CLONE_THREAD = 0x10000
_OTHER_ABI = 0x40000000  # x32

# Each call that is allowed, with its number on x86_64 and on aarch64.
_ALLOWED = """
read 0 63, write 1 64, close 3 57, fstat 5 80, poll 7 -, lseek 8 62, mmap 9 222, mprotect 10 226
munmap 11 215, brk 12 214, rt_sigaction 13 134, rt_sigprocmask 14 135, rt_sigreturn 15 139
pread64 17 67, readv 19 65, writev 20 66, sched_yield 24 124, mremap 25 216, madvise 28 233
getpid 39 172, recvmsg 47 212, exit 60 93, getrusage 98 165, getppid 110 173
sigaltstack 131 132, gettid 186 178, futex 202 98, sched_getaffinity 204 123
restart_syscall 219 128, clock_gettime 228 113, clock_nanosleep 230 115, exit_group 231 94
set_robust_list 273 99, ppoll 271 73, getrandom 318 278, membarrier 324 283, rseq 334 293
newfstatat 262 79
"""
_CLONE, _CLONE3, _PRLIMIT, _FCNTL = (56, 220), (435, 435), (302, 261), (72, 25)
_FCNTL_COMMANDS = (fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETLEASE)  # no signals by F_SETOWN
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, and number in the kernel


def forbid_calls() -> bool:
    """Give up all other system calls.

    Returns
    -------
    bool
        False on a machine whose numbers are not known here, and on a kernel that has no filters.
    """
    if platform.machine() not in _MACHINES or struct.calcsize("P") != 8:  # a program of 32 bits has other numbers
        return False
    program = _program(*_MACHINES[platform.machine()])
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0) != 0:
        code = ctypes.get_errno()
        if code in (errno.EINVAL, errno.ENOSYS):
            return False
        raise OSError(code, os.strerror(code))
    return True


def allowed(column: int) -> dict[str, int]:
    """Return the calls that are allowed without conditions and their numbers, for x86_64 (0) or aarch64 (1)."""
    rows = (entry.split() for entry in _ALLOWED.replace("\n", ",").split(",") if entry)
    return {name: int(numbers[column]) for name, *numbers in rows if numbers[column] != "-"}


def _program(column: int, architecture: int) -> bytes:
    refuse, allow = _step(_RETURN, _ERROR | errno.EPERM), _step(_RETURN, _ALLOW)
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_JUMP_EQUAL, architecture, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_JUMP_FROM, _OTHER_ABI, 0, 1),
        _step(_RETURN, _KILL),
    ]
    for number in sorted(allowed(column).values()):
        steps += [_step(_JUMP_EQUAL, number, 0, 1), allow]
    only_threads = [_step(_LOAD, _FIRST_ARGUMENT), _step(_JUMP_SET, _CLONE_THREAD, 0, 1), allow, refuse]
    only_itself = [_step(_LOAD, _FIRST_ARGUMENT), _step(_JUMP_EQUAL, 0, 0, 1), allow, refuse]
    # The flags of clone3 lie in memory, where a filter cannot look; without it the C library falls back to clone.
    without = [_step(_RETURN, _ERROR | errno.ENOSYS)]
    commands = [_step(_LOAD, _SECOND_ARGUMENT)]
    for command in _FCNTL_COMMANDS:
        commands += [_step(_JUMP_EQUAL, command, 0, 1), allow]
    conditions = ((_CLONE, only_threads), (_CLONE3, without), (_PRLIMIT, only_itself), (_FCNTL, [*commands, refuse]))
    for numbers, then in conditions:
        steps += [_step(_JUMP_EQUAL, numbers[column], 0, len(then)), *then]
    return b"".join([*steps, refuse])


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)
