"""``difwatch service``."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from difwatch.errors import UsageError
from difwatch.shipped import shipped_folder

_UNITS = ("difwatch.service", "difwatch-rescan.service", "difwatch-rescan.timer")
_MOVING = "difwatch.service.d/moving.conf.example"
_SYSCTL = Path("/etc/sysctl.d/60-difwatch.conf")
_ENABLED = ("difwatch.service", "difwatch-rescan.timer")


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom a service is: a user, or the machine."""

    is_system: bool

    @property
    def units(self) -> Path:
        """Where its units lie."""
        return Path("/etc/systemd/system") if self.is_system else _of_user() / "systemd" / "user"

    @property
    def config(self) -> Path:
        """Its configuration."""
        return Path("/etc/difwatch/config.toml") if self.is_system else _of_user() / "difwatch" / "config.toml"

    def systemctl(self, *words: str) -> list[str]:
        """Return a command line of systemctl."""
        return ["systemctl", *([] if self.is_system else ["--user"]), *words]

    def texts(self, program: str) -> dict[Path, str]:
        """Return the text of each unit, by where it lies."""
        from difwatch.control.units import unit

        folder = units() if self.is_system else units() / "user"
        texts = {self.units / name: unit((folder / name).read_text(), program) for name in _UNITS}
        if self.is_system:
            texts[self.units / _MOVING] = (units() / _MOVING).read_text()
        return texts


_who = (
    click.option("--user", "where", flag_value="user", help="For this user."),
    click.option("--system", "where", flag_value="system", help="For the machine."),
)


@click.group("service", short_help="Run difwatch under systemd.")
def command() -> None:
    """Run difwatch under systemd."""


@command.command("install")
@click.argument("folders", metavar="[FOLDER]...", nargs=-1)
@_who[0]
@_who[1]
@click.option("--linger", is_flag=True, help="Let a user's service run also while the user is not logged in.")
@click.option("--sysctl", is_flag=True, help="Also raise the limits of the kernel, for large collections.")
@click.option("--dry-run", is_flag=True, help="Only print what would be written and run.")
def install_command(folders: tuple[str, ...], where: str | None, linger: bool, sysctl: bool, dry_run: bool) -> None:
    """Write the units, with the path of this difwatch and a weekly full search, and start them.

    If there is no configuration yet, one is written that names the FOLDERs.
    """
    from difwatch import paths
    from difwatch.cli.configuration import new_file

    scope = _scope(where)
    program = _program()
    refusal = _why_unsafe(scope, program)
    if refusal is not None and not dry_run:
        raise UsageError(refusal)
    has_folders = _checked_config(scope, folders)
    texts = scope.texts(program)
    if not scope.config.exists():
        texts[scope.config] = new_file([paths.real(folder) for folder in folders])
    if sysctl:
        texts[_SYSCTL] = (units() / "sysctl.d" / _SYSCTL.name).read_text()
    lines = [scope.systemctl("daemon-reload")]
    if not dry_run and subprocess.run(scope.systemctl("is-active", "-q", _ENABLED[0]), check=False).returncode == 0:
        lines += [scope.systemctl("restart", _ENABLED[0])]  # with the new unit
    lines += [scope.systemctl("enable", "--now", *_ENABLED)]
    lines = lines if has_folders else lines[:1]
    lines += [["loginctl", "enable-linger", getpass.getuser()]] if linger else []
    lines += [["sysctl", "-q", "-p", str(_SYSCTL)]] if sysctl else []
    if refusal is not None:
        click.echo(f"# nothing would be written: {refusal}")
    for path, text in texts.items():
        click.echo(f"# {path}\n{text}") if dry_run else _write(path, text)
    for line in lines:
        click.echo(f"# {' '.join(line)}") if dry_run else _run(line)
    _say_what_is_next(scope, has_folders, linger)


@command.command("uninstall")
@_who[0]
@_who[1]
@click.option("--dry-run", is_flag=True, help="Only print what would be run and removed.")
def uninstall_command(where: str | None, dry_run: bool) -> None:
    """Stop the service and remove its units; the configuration and the store stay."""
    scope = _scope(where)
    if dry_run:
        click.echo(f"# {' '.join(scope.systemctl('disable', '--now', *_ENABLED))}")
    elif (scope.units / _ENABLED[0]).exists():
        _run(scope.systemctl("disable", "--now", *_ENABLED))
    for path in [scope.units / name for name in (*_UNITS, *([_MOVING] if scope.is_system else []))]:
        if path.exists():
            click.echo(f"{'# would remove ' if dry_run else ''}{path}{'' if dry_run else ': removed'}")
            if not dry_run:
                path.unlink()
    if not dry_run:
        _run(scope.systemctl("daemon-reload"))
    click.echo(f"{scope.config} and the store stay", err=True)


@command.command("status")
@_who[0]
@_who[1]
def status_command(where: str | None) -> None:
    """Show what systemd knows of the service; without --user or --system, of the one that is installed."""
    scope = _scope(where) if where else _installed()
    done = subprocess.run(scope.systemctl("status", "--no-pager", "--lines=5", *_ENABLED), check=False)
    raise SystemExit(done.returncode)


def units() -> Path:
    """Return the folder of the systemd units."""
    folder = shipped_folder("systemd")
    if folder is None:
        raise UsageError("the units of systemd are missing; install difwatch again")
    return folder


def _scope(where: str | None) -> Scope:
    if where is None:
        raise UsageError("say for whom: --user or --system")
    return Scope(where == "system")


def _installed() -> Scope:
    for scope in (Scope(is_system=False), Scope(is_system=True)):
        if (scope.units / "difwatch.service").exists():
            return scope
    raise UsageError("no service is installed; 'difwatch service install --user ~/Pictures' does that")


def _program() -> str:
    called = shutil.which(sys.argv[0])
    beside = Path(sys.executable).with_name("difwatch")
    program = called if called and Path(called).name == "difwatch" else str(beside) if beside.exists() else None
    program = program or shutil.which("difwatch")
    if program is None:
        raise UsageError("there is no program 'difwatch' to start; install difwatch first")
    return os.path.abspath(program)  # noqa: PTH100  (links stay: an upgrade changes where they lead)


def _why_unsafe(scope: Scope, program: str) -> str | None:
    """Return why a program must not be started with the rights of the machine; None if only root can change it."""
    from difwatch.control.units import weakness

    why = weakness(Path(program)) if scope.is_system else None
    if why is None:
        return None
    return (
        f"{program}: {why}, so it must not run for the machine; install difwatch for it: python3 -m venv "
        "/opt/difwatch && /opt/difwatch/bin/pip install difwatch, then /opt/difwatch/bin/difwatch service "
        "install --system"
    )


def _checked_config(scope: Scope, folders: tuple[str, ...]) -> bool:
    """Check the configuration before anything is written; tell whether it has folders to watch."""
    from difwatch import config, paths

    if scope.config.exists():
        if folders:
            raise UsageError(f"{scope.config}: is there already; put the folders into it")
        return bool(config.load(scope.config, {}).folder)
    for folder in folders:
        if not os.path.isdir(paths.real(folder)):  # noqa: PTH112  (bytes have no Path)
            raise UsageError(f"{folder}: there is no such folder")
    return bool(folders)


def _say_what_is_next(scope: Scope, has_folders: bool, linger: bool) -> None:
    if not has_folders:
        start = " ".join(scope.systemctl("enable", "--now", *_ENABLED))
        click.echo(f"# name your folders in {scope.config}, then: {start}", err=True)
    else:
        look = "difwatch --system status" if scope.is_system else "difwatch status"
        click.echo(f"# the folders stand in {scope.config}; look: {look}", err=True)
    if not scope.is_system and not linger:
        click.echo("# it ends when you log out; to let it go on: loginctl enable-linger", err=True)


def _run(line: list[str]) -> None:
    try:
        failed = subprocess.run(line, check=False).returncode != 0
    except FileNotFoundError as error:
        raise UsageError(f"{line[0]}: is not installed; difwatch runs without systemd too: difwatch watch") from error
    if failed:
        hint = ""
        if "--user" in line and "XDG_RUNTIME_DIR" not in os.environ:
            hint = "; log in as this user, not by su or sudo (machinectl shell USER@ does it)"
        raise UsageError(f"{' '.join(line)}: failed{hint}")


def _of_user() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    click.echo(f"{path}: written")
