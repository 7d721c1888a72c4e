"""The pictures of some folders, read once and ready for any number of searches."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from difwatch.clock import SystemClock
from difwatch.library import parameters
from difwatch.library.listing import Listed, list_files
from difwatch.library.looks import Looks
from difwatch.library.progress import progress_bar
from difwatch.library.reading import read_files
from difwatch.model.jobs import Answer, Postponed, Tensorized, Unreadable
from difwatch.model.pictures import Image


class Build:
    """Pictures of some folders, as tensors.

    Parameters
    ----------
    *directory
        Folders (or single files): strings, several of them, or a list.
    recursive
        Read subfolders too.
    in_folder
        Compare each given folder by itself, or with ``"every"`` each directory by itself.
    limit_extensions
        Read only files with the extension of a picture.
    px_size
        Side of the tensors, 10 to 5000.
    show_progress
        Show a progress bar on stderr.
    processes
        Worker processes; None is one per core. They are separate programs, so a script needs no main guard.

    Attributes
    ----------
    stats : dict
        What was read and how long that took, in the form of difPy.
    tensors : dict of int to ndarray of uint8, shape (px, px, 3)
        The tensors by picture id; equal pictures share one array. ``_tensor_dictionary`` is the same.
    filenames : dict of int to str
        The paths by picture id. ``_filename_dictionary`` is the same.

    Raises
    ------
    ParameterError
        Names the parameter, and what is allowed.
    """

    def __init__(
        self,
        *directory: Any,
        recursive: bool = True,
        in_folder: bool | str = False,
        limit_extensions: bool = True,
        px_size: int = 50,
        show_progress: bool = True,
        processes: int | None = None,
    ) -> None:
        self._given = parameters.directories(directory)
        self.in_folder = parameters.in_folder(in_folder)
        self.px_size = parameters.whole("px_size", px_size, 10, 5000)
        self.processes = parameters.processes(processes)
        self._parameters = {
            "recursive": parameters.flag("recursive", recursive),
            "in_folder": self.in_folder,
            "limit_extensions": parameters.flag("limit_extensions", limit_extensions),
            "px_size": self.px_size,
            "processes": self.processes,
        }
        clock = SystemClock()
        started = clock.now()
        self.images: list[Image] = []
        self.folders: list[str] = []
        show = parameters.flag("show_progress", show_progress)
        self.looks = self._read(recursive, limit_extensions, show)
        self.stats = self._statistics(started, clock.now())

    def _read(self, recursive: bool, limit_extensions: bool, show: bool) -> Looks:
        listing = list_files(self._given, recursive, limit_extensions)
        self._invalid = dict(listing.skipped)
        self.given_up = 0
        """The number of files at which workers ended, or that may be readable later."""
        listed = {file.state.path: file for file in listing.files}
        looks = Looks(len(listed), self.px_size)
        read: list[tuple[Listed, Tensorized]] = []
        states = [file.state for file in listing.files]
        with progress_bar(show, "reading", len(states), "files") as more:
            for answer in read_files(states, self.px_size, self.processes):
                more(1)
                reason = _reason(answer)
                if reason is not None:
                    self._invalid[listed[answer.path].shown] = reason
                    self.given_up += _is_given_up(answer)
                elif isinstance(answer, Tensorized):
                    looks.put(answer)
                    read.append((listed[answer.path], answer))
        self._keep(read, looks)
        return looks

    def _keep(self, read: Sequence[tuple[Listed, Tensorized]], looks: Looks) -> None:
        for listed, answer in sorted(read, key=lambda pair: os.fsencode(pair[0].shown)):
            key = listed.state.key
            assert key is not None
            number, first = looks.of(answer.digest)
            path = os.fsencode(listed.shown)
            image = Image(path, number, answer.digest, first.width, first.height, key.size, key.mtime_ns, key=key)
            image = replace(image, frames=first.frames, facts=first.facts)
            self.images.append(image)
            self.folders.append(listed.folder)

    @property
    def tensors(self) -> dict[int, NDArray[np.uint8]]:
        """The tensor of each picture by its id."""
        px = self.px_size
        return {number: self.looks.rows[image.tensor].reshape(px, px, 3) for number, image in enumerate(self.images)}

    @property
    def filenames(self) -> dict[int, str]:
        """The path of each picture by its id."""
        return {number: os.fsdecode(image.path) for number, image in enumerate(self.images)}

    _tensor_dictionary = tensors
    _filename_dictionary = filenames

    def _statistics(self, started: datetime, ended: datetime) -> dict[str, Any]:
        return {
            "directory": list(self._given),
            "process": {"build": {"duration": duration(started, ended), "parameters": self._parameters}},
            "total_files": len(self.images) + len(self._invalid),
            "invalid_files": {"count": len(self._invalid), "logs": self._invalid},
        }


def duration(started: datetime, ended: datetime) -> Mapping[str, Any]:
    """Return the start, the end and the duration of a step, in the form of difPy."""
    return {
        "start": started.astimezone().replace(tzinfo=None).isoformat(),
        "end": ended.astimezone().replace(tzinfo=None).isoformat(),
        "seconds_elapsed": round((ended - started).total_seconds(), 4),
    }


def _reason(answer: Answer) -> str | None:
    if isinstance(answer, Tensorized):
        return None
    if isinstance(answer, Unreadable | Postponed):
        return answer.reason
    return "it went away, or changed while it was read"


def _is_given_up(answer: Answer) -> bool:
    return isinstance(answer, Postponed) or (isinstance(answer, Unreadable) and answer.given_up)
