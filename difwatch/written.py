"""Files written beside their place and put there as a whole, whatever lies beside it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path


def replace_file(target: Path, pieces: Iterable[str], mode: int | None = None) -> None:
    """Write a text file in UTF-8, and let it take the place of another one only once it is complete.

    Parameters
    ----------
    mode
        Its rights; None: as usual for this user.

    Raises
    ------
    OSError
        It cannot be written; what was there still is.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()  # of a process that was killed; a link that somebody planted is not followed
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(part, flags, 0o666 if mode is None else 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            file.writelines(pieces)
            if mode is not None:
                os.fchmod(descriptor, mode)
        part.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
