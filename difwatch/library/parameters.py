"""The parameters of `build` and `search`: what is allowed, and one clear error where something is not."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from difwatch.errors import ParameterError
from difwatch.model.settings import InFolder, similarity_mse


def directories(given: Sequence[Any]) -> list[str]:
    """Folders or files, given one by one or in lists; in the order given.

    Raises
    ------
    ParameterError
        Naming the one that is wrong.
    """
    found: list[str] = []
    for one in given:
        found += one if isinstance(one, list | tuple) else [one]
    if not found:
        raise ParameterError("directory: name at least one folder")
    for one in found:
        if not isinstance(one, str | os.PathLike):
            raise ParameterError(f"directory = {one!r}: must be a path, several paths, or a list of paths")
        if not os.path.exists(one):  # noqa: PTH110  (Path refuses a null byte)
            raise ParameterError(f"directory = {os.fspath(one)!r}: there is no such folder")
    paths = [os.fspath(one) for one in found]
    real = [os.path.realpath(path) for path in paths]
    for number, path in enumerate(paths):
        if real[number] in real[:number]:
            raise ParameterError(f"directory = {path!r}: this folder is given twice")
    return paths


def flag(name: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ParameterError(f"{name} = {value!r}: must be True or False")
    return value


def same_dim(value: object, old_names: Mapping[str, object]) -> bool:
    """Return whether sizes must be equal, given as ``same_dim`` or under its old name ``lazy``.

    Raises
    ------
    ParameterError
        Naming a parameter that there is not.
    """
    unknown = [name for name in old_names if name != "lazy"]
    if unknown:
        raise ParameterError(f"{unknown[0]}: there is no such parameter")
    return flag("same_dim", value) if old_names.get("lazy") is None else flag("lazy", old_names["lazy"])


def in_folder(value: object) -> InFolder:
    """True, False or "every"."""
    if value == "every":
        return "every"
    if not isinstance(value, bool):
        raise ParameterError(f'in_folder = {value!r}: must be True, False or "every"')
    return value


def whole(name: str, value: object, least: int, most: int) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ParameterError(f"{name} = {value!r}: must be a whole number from {least} to {most}")
    return value


def processes(value: object) -> int:
    """How many; None is one for each core."""
    cores = len(os.sched_getaffinity(0))
    return cores if value is None else whole("processes", value, 1, 1024)


def chunksize(value: object) -> int | None:
    """Pictures in a block; None is chosen from the number of pictures."""
    return None if value is None else whole("chunksize", value, 1, 10**9)


def similarity(value: object) -> float:
    """A mean squared error, by name or number."""
    try:
        return similarity_mse(value)
    except ValueError as error:
        raise ParameterError(f"similarity = {value!r}: {error}") from error
