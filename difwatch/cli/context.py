"""The options before the command, and the store that they name."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from difwatch.config import Config
    from difwatch.control.state_dir import StateDir
    from difwatch.model.settings import Settings

MATCHING_ENVIRONMENT = {
    "similarity": "DIFWATCH_SIMILARITY",
    "rotate": "DIFWATCH_ROTATE",
    "same_dim": "DIFWATCH_SAME_DIM",
}
"""The variables that say what counts as a match, by key of the configuration."""


class Context:
    """The options before the command.

    Parameters
    ----------
    config, state_dir
        The paths as given.
    verbose, quiet
        Whether to print more, or only what needs attention.
    """

    def __init__(self, config: str | None, state_dir: str | None, verbose: bool, quiet: bool) -> None:
        self.config_file = config
        self.verbose = verbose
        self.quiet = quiet
        self._state_dir = state_dir
        self._config: Config | None = None

    @property
    def state_dir(self) -> StateDir:
        """The state directory: flag, DIFWATCH_STATE_DIR, STATE_DIRECTORY, or the platform's."""
        from difwatch import paths
        from difwatch.control.state_dir import StateDir, default_state_dir

        if self._state_dir:
            return StateDir(Path(paths.expanded(self._state_dir)))
        return default_state_dir(os.environ)

    def config(self) -> Config:
        """Read the configuration of this command, once; its folders need not exist.

        As for ``watch``, the environment goes before the file where it says what counts as a match.
        """
        from difwatch import config

        if self._config is None:
            given = {key: os.environ.get(name) for key, name in MATCHING_ENVIRONMENT.items()}
            flags: dict[str, object] = {key: value for key, value in given.items() if value}
            for key in flags.keys() - {"similarity"}:
                flags[key] = click.BOOL.convert(flags[key], None, None)
            self._config = config.load(config.find(self.config_file, os.environ), flags)
        return self._config

    def configured(self, stored: Settings) -> Settings:
        """Return the settings that the configuration names, and those of the store where it names none."""
        loaded = self.config()
        wanted = loaded.settings()
        fields = {"similarity": "threshold"} | {field.name: field.name for field in dataclasses.fields(wanted)}
        named = {fields[name] for name in fields.keys() & loaded.model_fields_set}
        return dataclasses.replace(stored, **{name: getattr(wanted, name) for name in named})

    def must_have_store(self) -> None:
        """Raise an error if there is no store, rather than make one."""
        from difwatch.errors import StoreMissingError
        from difwatch.store.engine import MISSING

        if not self.state_dir.store.exists():
            raise StoreMissingError(f"{self.state_dir.store}: {MISSING}")

    def watched(self) -> frozenset[bytes]:
        """Return the folders that the store knows as watched; none if it cannot be read."""
        from difwatch.errors import StoreError
        from difwatch.store import folders

        try:
            with self.reading() as connection:
                return frozenset(folder.path for folder in folders.in_force(connection).values())
        except StoreError:
            return frozenset()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield one consistent view of the store, which must be of this version."""
        from difwatch.store import open_reader, reading, schema

        engine = open_reader(self.state_dir.store)
        schema.check(engine, self.state_dir.store)
        with reading(engine) as connection:
            yield connection
