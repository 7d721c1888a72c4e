"""One frozen configuration from the file, the environment and the flags; reports all mistakes at once."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pathspec import GitIgnoreSpec
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from difwatch import paths
from difwatch.actions.plan import Policy
from difwatch.compare.budget import MOST_PAIRS
from difwatch.errors import UsageError
from difwatch.model.jobs import Limits, WorkerLimits
from difwatch.model.pictures import Level
from difwatch.model.settings import MSE_MOST, NMSE_MOST, Folder, KeepRule, Role, Settings, WatchMode, similarity_mse

OF_MACHINE = Path("/etc/difwatch/config.toml")
_FLAGS = "command line or environment"
MOVE_TO = "~/Duplicates"
Similarity = Annotated[float, BeforeValidator(similarity_mse)]


def _nmse(value: object) -> object:
    if value is False or value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= NMSE_MOST:
        raise ValueError(f"give a number from 0 to {NMSE_MOST:g}, or false to compare by the MSE alone")
    return float(value)


Nmse = Annotated[float | None, BeforeValidator(_nmse)]


def _patterns(lines: list[str]) -> list[str]:
    GitIgnoreSpec.from_lines(lines)  # raises a ValueError that names the pattern
    return lines


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FolderConfig(_Strict):
    """One ``[[folder]]``."""

    path: str
    recursive: bool = True
    in_folder: bool | Literal["every"] = False
    limit_extensions: bool = True
    role: Role = "normal"
    exclude: Annotated[list[str], AfterValidator(_patterns)] = []
    include: Annotated[list[str], AfterValidator(_patterns)] = []
    watch: WatchMode = "auto"
    similarity: Similarity | None = None
    keep: list[KeepRule] | None = None
    action: Literal["log", "move"] | None = None
    move_to: str | None = None


class Config(_Strict):
    """Everything that can be configured; see the README."""

    similarity: Similarity = 20.0
    remember_up_to: Annotated[float, Field(ge=0, le=MSE_MOST)] = 50.0
    max_pairs: Annotated[int, Field(ge=1)] = MOST_PAIRS
    nmse: Nmse = 0.03
    edited: bool = True
    rotate: bool = True
    mirror: bool = True
    same_dim: bool = False
    compare_references: bool = True
    px_size: Annotated[int, Field(ge=10, le=5000)] = 50
    recipe: Literal["exact", "fast"] = "fast"
    processes: Annotated[int, Field(ge=0, le=1024)] = 0
    keep: list[KeepRule] = ["pixels", "original", "bytes", "oldest", "path"]
    action: Literal["log", "move"] = "log"
    act_on: Level = "similar"
    act_on_shots: bool = False
    move_to: str | None = None  # None: MOVE_TO, if anything is to be moved
    keep_tree: bool = False
    sidecars: Literal["move", "refuse", "leave"] = "move"
    across_owners: bool = False
    max_moves_per_hour: Annotated[int, Field(ge=1)] = 500
    quiet_seconds: Annotated[float, Field(ge=0)] = 2.0
    max_wait_seconds: Annotated[float, Field(gt=0)] = 60.0
    max_pixels: Annotated[int, Field(ge=1)] = 250_000_000
    max_file_mb: Annotated[int, Field(ge=1)] = 1024
    decode_seconds: Annotated[float, Field(gt=0)] = 300.0
    decode_memory_mb: Annotated[int, Field(ge=256)] = 4096
    folder: list[FolderConfig] = []

    def folders(self) -> list[Folder]:
        """Return the watched folders, with their real paths."""
        folders = []
        for position, table in enumerate(self.folder):
            real = paths.real(table.path)
            values = table.model_dump(exclude={"action", "move_to"})
            keep = tuple(table.keep) if table.keep else None
            patterns = {"exclude": tuple(table.exclude), "include": tuple(table.include)}
            folders.append(Folder(**values | patterns | {"path": real, "keep": keep, "position": position}))
        return folders

    def destinations(self) -> frozenset[bytes]:
        """Return the directories that duplicates are moved to, which are never searched."""
        named = [self.move_to, *(table.move_to for table in self.folder)]
        used = {policy.destination for policy in self.policies().values() if policy.destination is not None}
        return frozenset(paths.real(path) for path in named if path) | used

    def policies(self) -> dict[bytes, Policy]:
        """Return the policies of the folders whose duplicates are moved, by path."""
        policies = {}
        for table in self.folder:
            if (table.action or self.action) == "move":
                destination = table.move_to or self.move_to or MOVE_TO
                policies[paths.real(table.path)] = Policy("move", paths.real(destination), self.keep_tree)
        return policies

    def settings(self) -> Settings:
        """Return the settings that decide which pairs count."""
        return Settings(
            threshold=self.similarity,
            rotate=self.rotate,
            same_dim=self.same_dim,
            keep=tuple(self.keep),
            compare_references=self.compare_references,
            nmse=self.nmse,
            edited=self.edited and self.nmse is not None,
            mirror=self.mirror,
            act_on=self.act_on,
            act_on_shots=self.act_on_shots,
        )

    def limits(self) -> Limits:
        """Return the largest file that is decoded."""
        return Limits(self.max_pixels, self.max_file_mb << 20)

    def worker_limits(self) -> WorkerLimits:
        """Return what a worker may use."""
        return WorkerLimits(self.decode_seconds, self.decode_memory_mb << 20)

    def remembered(self) -> float:
        """Return the error up to which pairs are stored: the NMSE, or without it an MSE no less than a match."""
        if self.nmse is not None:
            return self.nmse
        own = [table.similarity for table in self.folder if table.similarity is not None]
        return max(self.remember_up_to, self.similarity, *own)

    def worker_processes(self) -> int:
        """Return the number of workers: as configured, or one per core that this process may use."""
        return self.processes or len(os.sched_getaffinity(0))


def find(explicit: str | None, environment: Mapping[str, str]) -> Path | None:
    """Return the configuration file: the explicit one, DIFWATCH_CONFIG, the user's, the machine's, or None."""
    named = explicit or environment.get("DIFWATCH_CONFIG")
    if named:
        return Path(paths.expanded(named))
    usual: tuple[Path, ...]
    try:
        usual = (of_user(), OF_MACHINE)
    except RuntimeError:  # a service or a container may have no home
        usual = (OF_MACHINE,)
    return next((path for path in usual if path.is_file()), None)


def of_user() -> Path:
    """Return where the configuration of this user is.

    Raises
    ------
    RuntimeError
        There is no home directory.
    """
    return platformdirs.user_config_path("difwatch") / "config.toml"


def load(
    path: Path | None,
    flags: Mapping[str, object],
    folders: tuple[str, ...] = (),
    references: tuple[str, ...] = (),
    known: Container[bytes] = (),
) -> Config:
    """Read and check the configuration.

    Parameters
    ----------
    path
        The file; None for the defaults.
    flags
        Values that override those of the file; None means not given.
    folders
        Folders from the command line, which replace those of the file.
    references
        The same, whose pictures are always the ones to keep.
    known
        Folders that were watched before. Any other one that is named on the command line must exist; one of the file,
        or of these, may be away, as a disk that is not plugged in is.

    Raises
    ------
    UsageError
        Names every mistake, one per line: file, key, what is wrong, and the nearest known name.
    """
    values = _read(path) if path else {}
    given = {key: value for key, value in flags.items() if value is not None}
    values |= given
    if folders or references:
        configured = values.get("folder")
        values["folder"] = [_named_folder(folder, configured) for folder in folders]
        values["folder"] += [_named_folder(folder, configured) | {"role": "reference"} for folder in references]
    where = str(path) if path else _FLAGS
    mistakes: list[str] = []
    config = None
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        mistakes = [
            _mistake(_FLAGS if place[0] in given else where, place, errors)
            for place, errors in _by_place(error).items()
        ]
    typed = [paths.real(folder) for folder in (*folders, *references)]
    must_exist = [path for path in typed if path not in known]
    mistakes += _folder_mistakes("command line" if typed else where, values, must_exist)
    if config is not None:
        mistakes += _action_mistakes(where, config)
        if config.nmse is None and values.get("edited"):
            source = _FLAGS if "edited" in given else where
            mistakes.append(f"{source}: edited = true: needs nmse, by which edited versions are found")
    if mistakes or config is None:
        raise UsageError("\n".join(mistakes))
    return config


def _named_folder(path: str, configured: object) -> dict[str, Any]:
    """Return the table of the innermost configured folder that holds a path; without one, a table that only logs."""
    tables = [table for table in configured if isinstance(table, dict)] if isinstance(configured, list) else []
    named = [(paths.real(table["path"]), table) for table in tables if isinstance(table.get("path"), str)]
    holding = [(folder, table) for folder, table in named if paths.is_within(paths.real(path), folder)]
    if not holding:
        return {"path": path, "action": "log"}
    _, innermost = max(holding, key=lambda item: len(item[0]))
    return innermost | {"path": path}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: the configuration cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: this is not valid TOML: {error}") from error


def _by_place(error: ValidationError) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """Group the errors by key; a key that allows several types has one error for each."""
    by_place: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for details in error.errors():
        place = tuple(str(part) for part in details["loc"] if part not in ("bool", "literal['every']"))
        by_place.setdefault(place, []).append(dict(details))
    return by_place


def _mistake(where: str, place: tuple[str, ...], errors: list[dict[str, Any]]) -> str:
    # People count folders from one.
    name = ".".join(f"[{int(part) + 1}]" if part.isdigit() else part for part in place).replace(".[", "[")
    if errors[0]["type"] == "extra_forbidden":
        model = FolderConfig if place[0] == "folder" else Config
        near = difflib.get_close_matches(place[-1], model.model_fields, n=1, cutoff=0.5)
        known = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(model.model_fields)}"
        return f"{where}: {name}: unknown key; {known}"
    texts = [error["msg"].removeprefix("Value error, ") for error in errors]
    text = ", or ".join(text[0].lower() + text[1:] for text in texts)
    return f"{where}: {name} = {errors[0]['input']!r}: {text}"


def _folder_mistakes(where: str, values: Mapping[str, Any], must_exist: Container[bytes]) -> list[str]:
    folders = values.get("folder", [])
    mistakes, seen = [], set()
    for number, table in enumerate(folders if isinstance(folders, list) else []):
        path = table.get("path") if isinstance(table, dict) else None
        if not isinstance(path, str):
            continue
        if not path:
            mistakes.append(f"{where}: folder[{number + 1}].path = '': name a folder")
            continue
        real = paths.real(path)
        label = f"{where}: folder[{number + 1}].path = {path!r}"
        if real in seen:
            mistakes.append(f"{label}: this folder is listed twice")
        seen.add(real)
        if (trouble := _why_impossible(path) or _trouble(real, real in must_exist)) is not None:
            mistakes.append(f"{label}: {trouble}")
        if table.get("keep") and not table.get("in_folder"):
            mistakes.append(
                f'{where}: folder[{number + 1}].keep: needs in_folder = true or "every", '
                "because pictures of several folders are put into one order"
            )
    return mistakes


def _action_mistakes(where: str, config: Config) -> list[str]:
    acts = any((table.action or config.action) == "move" for table in config.folder)
    named = [("move_to", config.move_to or (MOVE_TO if acts else None))]
    named += [(f"folder[{number}].move_to", table.move_to) for number, table in enumerate(config.folder, start=1)]
    homeless = [
        f"{where}: {name} = {path!r}: {why}" for name, path in named if path and (why := _why_impossible(path))
    ]
    return homeless + [
        f"{where}: {name} = {destination!r}: holds the watched folder {table.path!r}"
        for name, destination in named
        for table in config.folder
        if destination and paths.is_within(paths.real(table.path), paths.real(destination))
    ]


def _why_impossible(path: str) -> str | None:
    """Return why a path can never be one, in words; a service may have no home, or the root for one."""
    if "\0" in path:
        return "a path cannot hold a null byte"
    if path.startswith("~") and paths.expanded(path.partition("/")[0]) in ("/", path.partition("/")[0]):
        return "there is no such home directory here; name the folder in full"
    return None


def _trouble(real: bytes, must_exist: bool) -> str | None:
    try:
        with os.scandir(real):
            return None
    except FileNotFoundError:
        return "there is no such folder" if must_exist else None
    except NotADirectoryError:
        return "this is not a folder"
    except OSError as error:
        return f"this folder cannot be read: {error.strerror}" if must_exist else None
