"""The configuration as text: a new file with all keys, and the values in force with where each comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from difwatch import paths
from difwatch.config import MOVE_TO, Config
from difwatch.errors import UsageError
from difwatch.shown import shown_path

_FOLDER = "[[folder]]\n"


def new_file(folders: Sequence[bytes]) -> str:
    """Return a configuration of some folders, all other keys as comments with their defaults.

    Without folders, that of the example stays as a comment.

    Raises
    ------
    UsageError
        The name of a folder is no UTF-8, which TOML cannot hold.
    """
    for folder in folders:
        try:
            folder.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(
                f"{shown_path(folder)}: a configuration cannot hold a name that is not UTF-8; rename the folder"
            ) from error
    text = (resources.files("difwatch.cli") / "configuration.toml").read_text(encoding="utf-8")
    general, _, table = text.partition(_FOLDER)
    if not folders:
        return general + "".join(f"# {line}" for line in [_FOLDER, *table.splitlines(keepends=True)[:1]])
    first, *others = [f"path = {toml(paths.as_text(folder))}\n" for folder in folders]
    optional = table.partition("\n")[2]
    return general + _FOLDER + first + optional + "".join(f"\n{_FOLDER}{path}" for path in others)


def write_new(path: Path, folders: Sequence[bytes]) -> None:
    """Write a new configuration, never over one that is there.

    Raises
    ------
    UsageError
        The file is there already, or cannot be written.
    """
    text = new_file(folders)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path}: is there already; 'difwatch config show' prints what is in force") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error


def text_in_force(config: Config, sources: Mapping[str, str]) -> Iterator[str]:
    """Yield the values in force as TOML, each with where it comes from as a comment.

    Parameters
    ----------
    sources
        By key, what gave a value that is not the default.
    """
    lines = {f"{key} = {toml(value)}": sources.get(key, "default") for key, value in _values(config).items()}
    width = max(map(len, lines))
    yield from (f"{line:{width}}  # {source}\n" for line, source in lines.items())
    for folder in config.folder:
        yield f"\n[[folder]]  # {sources['folder']}\n"
        yield from (f"{key} = {toml(value)}\n" for key, value in folder.model_dump(exclude_unset=True).items())


def json_in_force(config: Config, sources: Mapping[str, str], file: Path | None) -> dict[str, Any]:
    """Return the values in force, and where each comes from, for programs."""
    values = {key: {"value": value, "from": sources.get(key, "default")} for key, value in _values(config).items()}
    folders = [folder.model_dump() for folder in config.folder]
    return {"file": None if file is None else str(file), "values": values, "folders": folders}


def toml(value: object) -> str:
    """Return a value in TOML; None, which TOML lacks, is false in the configuration."""
    text = json.dumps(False if value is None else value, ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")  # the one control character that JSON leaves as it is


def _values(config: Config) -> dict[str, Any]:
    values = config.model_dump(exclude={"folder"})
    return values | {"move_to": values["move_to"] or MOVE_TO, "edited": config.settings().edited}
