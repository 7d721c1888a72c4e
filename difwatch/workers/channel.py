"""Messages through a pipe, each after its length: written by a worker, read by the parent without ever waiting."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

LENGTH = struct.Struct("<I")
"""Of a message, before it."""

_AT_ONCE = 1 << 20


class TooLongError(Exception):
    """A message says that it is longer than any can be."""


def send(descriptor: int, message: bytes) -> None:
    """Write a message, and wait until all of it is in the pipe."""
    left = memoryview(LENGTH.pack(len(message)) + message)
    while left:
        left = left[os.write(descriptor, left) :]


class Incoming:
    """What comes out of a pipe. Half a message waits here for the rest, so a writer that stops holds nobody up.

    Parameters
    ----------
    descriptor
        The end of the pipe that is read; it is closed with this object.
    """

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._received = bytearray()

    def fileno(self) -> int:
        """Return the descriptor, to wait for."""
        return self._descriptor

    def messages(self, most: int) -> Iterator[bytes]:
        """Yield the messages that are there.

        Parameters
        ----------
        most
            Bytes of the longest message there can be.

        Raises
        ------
        EOFError
            The writer is gone; all whole messages were yielded.
        TooLongError
            What comes is none of these messages.
        """
        ended = self._receive(most)
        while len(self._received) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._received)
            if length > most:
                raise TooLongError
            if len(self._received) < LENGTH.size + length:
                break
            message = bytes(self._received[LENGTH.size : LENGTH.size + length])
            del self._received[: LENGTH.size + length]
            yield message
        if ended:
            raise EOFError

    def close(self) -> None:
        """Close the pipe."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _receive(self, most: int) -> bool:
        """Read what is there, up to what is worth taking apart at once; tell whether the writer is gone."""
        while len(self._received) <= most + _AT_ONCE:
            try:
                part = os.read(self._descriptor, _AT_ONCE)
            except BlockingIOError:
                return False
            if not part:
                return True
            self._received += part
        return False
