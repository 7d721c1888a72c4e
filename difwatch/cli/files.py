"""Files that commands write where a person says: as a whole or not at all, and never over a picture."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from difwatch.errors import UsageError
from difwatch.extensions import is_media_name
from difwatch.written import replace_file


def refuse_picture(flag: str, path: Path) -> None:
    """Raise an error if a file that would be written has the name of a picture or a video.

    Raises
    ------
    UsageError
        It has.
    """
    if is_media_name(os.fsencode(path)) or is_media_name(os.path.realpath(os.fsencode(path))):
        raise UsageError(f"{flag} {path}: this is the name of a picture or a video; name another file")


def write_whole(flag: str, path: Path, pieces: Iterable[str]) -> None:
    """Write a file beside its place and put it there; what is no regular file, as a pipe, is written to.

    Raises
    ------
    UsageError
        The file cannot be written.
    """
    target = Path(os.path.realpath(path))  # a loop of links is found when it is opened
    try:
        mode = target.stat().st_mode if target.exists() else None
        is_stream = path.parent == Path("/dev") or (mode is not None and not stat.S_ISREG(mode))
        if is_stream or (mode is not None and not os.access(target.parent, os.W_OK)):
            descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
            with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
                file.writelines(pieces)
        else:
            replace_file(target, pieces, None if mode is None else stat.S_IMODE(mode))
    except OSError as error:
        raise UsageError(f"{flag} {path}: cannot be written: {error.strerror}") from error
