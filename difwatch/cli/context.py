"""The options before the command, and the store that they name."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from difwatch.config import Config
    from difwatch.control.state_dir import StateDir
    from difwatch.model.settings import Folder, Settings
    from difwatch.report.paint import Paint
    from difwatch.service.writer import Writer

ENVIRONMENT = {
    "similarity": "DIFWATCH_SIMILARITY",
    "rotate": "DIFWATCH_ROTATE",
    "same_dim": "DIFWATCH_SAME_DIM",
    "px_size": "DIFWATCH_PX_SIZE",
    "processes": "DIFWATCH_PROCESSES",
    "quiet_seconds": "DIFWATCH_QUIET_SECONDS",
}
"""The variables that go before the file, by key of the configuration."""

_KINDS: dict[str, click.ParamType[Any]] = {
    "rotate": click.BOOL,
    "same_dim": click.BOOL,
    "px_size": click.INT,
    "processes": click.INT,
    "quiet_seconds": click.FLOAT,
}


class Context:
    """The options before the command.

    Parameters
    ----------
    config, state_dir
        The paths as given.
    verbose, quiet
        Whether to print more, or only what needs attention.
    color
        Whether to paint what is printed: ``auto``, ``always`` or ``never``.
    """

    def __init__(
        self, config: str | None, state_dir: str | None, verbose: bool, quiet: bool, color: str = "auto"
    ) -> None:
        self.config_file = config
        self.verbose = verbose
        self.quiet = quiet
        self._color = color
        self._state_dir = state_dir
        self._config: Config | None = None
        self._found: StateDir | None = None

    @property
    def paint(self) -> Paint:
        """How text for people is painted: on a terminal, unless --color or NO_COLOR say otherwise."""
        from difwatch.report.paint import Paint

        wanted = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return Paint({"always": True, "never": False}.get(self._color, wanted))

    @property
    def state_dir(self) -> StateDir:
        """The state directory: flag, DIFWATCH_STATE_DIR, STATE_DIRECTORY, or the platform's."""
        from difwatch import paths
        from difwatch.cli import hints
        from difwatch.control.state_dir import StateDir, default_state_dir

        if self._found is None:
            if self._state_dir:
                self._found = StateDir(Path(paths.expanded(self._state_dir)))
            elif os.environ.get("DIFWATCH_STATE_DIR") or os.environ.get("STATE_DIRECTORY"):
                self._found = default_state_dir(os.environ)
            else:
                self._found = _or_that_of_the_machine(default_state_dir(os.environ))
            hints.reach(self._found)
        return self._found

    def config(self) -> Config:
        """Read the configuration of this command, once; its folders need not exist.

        As for ``watch``, the environment goes before the file.
        """
        from difwatch import config

        if self._config is None:
            self._config = config.load(config.find(self.config_file, os.environ), self.environment())
        return self._config

    def environment(self) -> dict[str, object]:
        """Return the values that the environment gives, by key of the configuration."""
        given = {key: os.environ[name] for key, name in ENVIRONMENT.items() if os.environ.get(name)}
        return {key: _KINDS.get(key, click.STRING).convert(text, None, None) for key, text in given.items()}

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
            raise StoreMissingError(f"{self.state_dir.store}: {MISSING}{other_service(self.state_dir)}")

    def writer(self, work: str) -> Writer:
        """Return the right to change the store, which must exist, for a command."""
        from difwatch.service.writer import Writer

        self.must_have_store()
        return Writer(self.state_dir, work)

    def watched(self) -> dict[bytes, Folder]:
        """Return the folders that the store knows as watched, by path; none if it cannot be read."""
        from difwatch.errors import StoreError
        from difwatch.store import folders

        try:
            with self.reading() as connection:
                return {folder.path: folder for folder in folders.in_force(connection).values()}
        except StoreError:
            return {}

    def tell_if_partial(self) -> None:
        """Say on stderr if the daemon is still reading files, so that what is known is not all there is."""
        from difwatch.control.heartbeat import read_heartbeat
        from difwatch.control.lock import holder
        from difwatch.shown import shown_count

        holding, heartbeat = holder(self.state_dir), read_heartbeat(self.state_dir)
        if self.quiet or holding is None or heartbeat.token != holding.token:
            return
        left = heartbeat.queue.total
        if left or any(folder.state == "scanning" for folder in heartbeat.folders):
            more = f" ({shown_count(left, 'file')} on the way)" if left else ""
            click.echo(f"difwatch: folders are still being read{more}; this is what is known so far", err=True)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield one consistent view of the store, which must be of this version."""
        from difwatch.store import open_reader, reading, schema

        engine = open_reader(self.state_dir.store)
        schema.check(engine, self.state_dir.store)
        with reading(engine) as connection:
            yield connection


def other_service(state_dir: StateDir) -> str:
    """Return, in words, that a service of the machine works elsewhere; nothing if none does."""
    from difwatch.control.state_dir import OF_MACHINE

    if state_dir == OF_MACHINE or not os.path.lexists(OF_MACHINE.path):
        return ""
    return f"; a service of the machine keeps its store in {OF_MACHINE.path}: sudo difwatch --system status"


def _or_that_of_the_machine(own: StateDir) -> StateDir:
    """Return the state directory of the machine's service to root, who has no store and would look in vain."""
    from difwatch.control.lock import holder
    from difwatch.control.state_dir import OF_MACHINE

    is_wanted = os.geteuid() == 0 and own != OF_MACHINE and not own.store.exists() and holder(OF_MACHINE) is not None
    return OF_MACHINE if is_wanted else own
