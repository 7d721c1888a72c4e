"""Checks of the parameters of `build` and `search`; an error names the parameter and what is allowed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from difwatch.errors import ParameterError
from difwatch.model.settings import NMSE_MOST, InFolder, similarity_mse


def directories(given: Sequence[Any]) -> list[str]:
    """Return folders or files that are given one by one or in lists, in the order given.

    Raises
    ------
    ParameterError
        Names the path that is wrong.
    """
    flat: list[str] = []
    for item in given:
        flat += item if isinstance(item, list | tuple) else [item]
    if not flat:
        raise ParameterError("directory: name at least one folder")
    for item in flat:
        if not isinstance(item, str | os.PathLike):
            raise ParameterError(f"directory = {item!r}: must be a path, several paths, or a list of paths")
        if not os.path.exists(item):  # noqa: PTH110  (Path refuses a null byte)
            raise ParameterError(f"directory = {os.fspath(item)!r}: there is no such folder")
    paths = [os.fspath(item) for item in flat]
    real = [os.path.realpath(path) for path in paths]
    for number, path in enumerate(paths):
        if real[number] in real[:number]:
            raise ParameterError(f"directory = {path!r}: this folder is given twice")
    return paths


def flag(name: str, value: object) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        raise ParameterError(f"{name} = {value!r}: must be True or False")
    return value


def same_dim(value: object, old_names: Mapping[str, object]) -> bool:
    """Return whether sizes must be equal, given as ``same_dim`` or under its old name ``lazy``.

    Raises
    ------
    ParameterError
        Names a parameter that does not exist.
    """
    unknown = [name for name in old_names if name != "lazy"]
    if unknown:
        raise ParameterError(f"{unknown[0]}: there is no such parameter")
    return flag("same_dim", value) if old_names.get("lazy") is None else flag("lazy", old_names["lazy"])


def nmse(value: object) -> float | None:
    """Return a normalised mean squared error, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= NMSE_MOST:
        raise ParameterError(f"nmse = {value!r}: must be None or a number from 0 to {NMSE_MOST:g}")
    return float(value)


def edited(value: object, nmse: object) -> bool:
    """Return whether edited versions are to be found, which needs ``nmse``."""
    wanted = flag("edited", value)
    if wanted and nmse is None:
        raise ParameterError("edited = True: edited versions are those within nmse; nmse = 0.03 is a good value")
    return wanted


def in_folder(value: object) -> InFolder:
    """Return True, False or "every"."""
    if value == "every":
        return "every"
    if not isinstance(value, bool):
        raise ParameterError(f'in_folder = {value!r}: must be True, False or "every"')
    return value


def whole(name: str, value: object, least: int, most: int) -> int:
    """Return a whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ParameterError(f"{name} = {value!r}: must be a whole number from {least} to {most}")
    return value


def processes(value: object) -> int:
    """Return the number of processes; None is one per core."""
    cores = len(os.sched_getaffinity(0))
    return cores if value is None else whole("processes", value, 1, 1024)


def chunksize(value: object) -> int | None:
    """Return the number of pictures per block; None leaves it to the search."""
    return None if value is None else whole("chunksize", value, 1, 10**9)


def similarity(value: object) -> float:
    """Return the mean squared error of a similarity, which is a name or a number."""
    try:
        return similarity_mse(value)
    except ValueError as error:
        raise ParameterError(f"similarity = {value!r}: {error}") from error
