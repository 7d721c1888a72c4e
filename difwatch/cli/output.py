"""Printing to a reader that may go away, or take less than what there is to say."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

from difwatch.errors import IncompleteError

_SPOOLED_BYTES = 16 << 20  # more of them wait on the disk


def open_streams() -> None:
    """Open the null device for each standard stream that is closed, before a file takes its number.

    Text for people is written in the encoding of the terminal, with escapes for what it cannot show.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def pour(pieces: Iterable[str], exact: bool = False) -> None:
    """Print pieces of text; a reader that goes away (head, less) is no failure.

    Parameters
    ----------
    exact
        For programs: in UTF-8 whatever the terminal has, paths with the bytes that they have.
    """
    try:
        for piece in pieces:
            if exact:
                sys.stdout.buffer.write(piece.encode("utf-8", "surrogateescape"))
            else:
                sys.stdout.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """Print a line, as `pour` does."""
    pour([text + "\n"])


class ActLines:
    """The lines about acts that are under way, which go on whatever becomes of the output."""

    def __init__(self) -> None:
        self._error: OSError | None = None

    def say(self, text: str) -> None:
        """Print a line, unless an earlier one could not be printed."""
        if self._error is None:
            try:
                say(text)
            except OSError as error:
                self._error = error

    def end(self) -> None:
        """Raise the error that kept lines from being printed, if one did."""
        if self._error is not None:
            raise self._error


def spooled(pieces: Iterable[str]) -> Iterator[str]:
    """Make all pieces now, and yield them later: a pager may read slowly, and the store must not wait for it.

    Raises
    ------
    IncompleteError
        There is no room for them in the temporary directory.
    """
    try:
        file = tempfile.SpooledTemporaryFile(_SPOOLED_BYTES)  # noqa: SIM115
        for piece in pieces:
            file.write(piece.encode("utf-8", "surrogatepass"))
    except OSError as error:
        raise IncompleteError(
            f"the report does not fit into the temporary directory ({error.strerror or error}); "
            "write it to a file: -o FILE"
        ) from error
    return _read_back(file)


def may_wait() -> bool:
    """Tell whether what reads standard output may be slow, as a pager is: anything but a file."""
    return not stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)


def _read_back(file: IO[bytes]) -> Iterator[str]:
    with file:
        file.seek(0)
        for line in file:
            yield line.decode("utf-8", "surrogatepass")
