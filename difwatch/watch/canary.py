"""A file of our own whose opening must come through kernel, reader and dispatcher."""

from __future__ import annotations

import os
from pathlib import Path

from watchdog.events import FileOpenedEvent, FileSystemEvent, FileSystemEventHandler

EVENTS: list[type[FileSystemEvent]] = [FileOpenedEvent]


class Canary:
    """The canary file; it is only opened, so that no disk has to wake up for it.

    Parameters
    ----------
    directory
        Where the file is created; nothing else should be there.

    Raises
    ------
    OSError
        The file cannot be created.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory = os.fsencode(directory.resolve())
        self._file = directory / "canary"
        self._file.touch()

    def touch(self) -> None:
        """Open the file, which causes an event."""
        os.close(os.open(self._file, os.O_RDONLY | os.O_CLOEXEC))


class CanaryListener(FileSystemEventHandler):
    """Notes that the event came through, in a thread of watchdog."""

    def __init__(self) -> None:
        self.heard = False

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note that an event came through."""
        self.heard = True
