"""``difwatch service``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click

from difwatch.errors import UsageError
from difwatch.shipped import shipped_folder

_SYSTEM = {
    "difwatch.service": "difwatch.service",
    "difwatch-rescan.service": "difwatch-rescan.service",
    "difwatch-rescan.timer": "difwatch-rescan.timer",
    "difwatch.service.d/moving.conf.example": "difwatch.service.d/moving.conf.example",
}
_USER = {"user/difwatch.service": "difwatch.service"}
_PROGRAM = "/usr/local/bin/difwatch"


@click.group("service", short_help="Run difwatch under systemd.")
def command() -> None:
    """Run difwatch under systemd."""


@command.command("install")
@click.option("--user", "where", flag_value="user", help="Install for this user.")
@click.option("--system", "where", flag_value="system", help="Install for the machine, with a weekly full search.")
@click.option("--dry-run", is_flag=True, help="Only print what would be written and run.")
def install_command(where: str | None, dry_run: bool) -> None:
    """Write the units, with the path of this difwatch, and start them."""
    if where is None:
        raise UsageError("say for whom: --user or --system")
    program = _program()
    target = Path("/etc/systemd/system") if where == "system" else _user_units()
    for source, name in (_SYSTEM if where == "system" else _USER).items():
        text = (units() / source).read_text().replace(_PROGRAM, program)
        if dry_run:
            click.echo(f"# {target / name}\n{text}")
        else:
            _write(target / name, text)
    enabled = ["difwatch.service"] + (["difwatch-rescan.timer"] if where == "system" else [])
    scope = ["--user"] if where == "user" else []
    for words in (["daemon-reload"], ["enable", "--now", *enabled]):
        line = ["systemctl", *scope, *words]
        if dry_run:
            click.echo(f"# {' '.join(line)}")
        elif subprocess.run(line, check=False).returncode:
            by_hand = f"systemctl {' '.join([*scope, 'enable', '--now', *enabled])}"
            raise UsageError(f"{' '.join(line)}: failed; the units are in {target}: start them with '{by_hand}'")
    config = "/etc/difwatch/config.toml" if where == "system" else "~/.config/difwatch/config.toml"
    restart = " ".join(["systemctl", *scope, "restart", "difwatch"])
    click.echo(f"# put the folders into {config}, then: {restart}", err=True)


def units() -> Path:
    """Return the folder of the systemd units."""
    folder = shipped_folder("systemd")
    if folder is None:
        raise UsageError("the units of systemd are missing; install difwatch again")
    return folder


def _program() -> str:
    beside = Path(sys.executable).with_name("difwatch")
    program = str(beside) if beside.exists() else shutil.which("difwatch")
    if program is None:
        raise UsageError("there is no program 'difwatch' to start; install difwatch first")
    return os.path.abspath(program)  # noqa: PTH100  (links stay: an upgrade changes where they lead)


def _user_units() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "systemd" / "user"


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    click.echo(f"{path}: written")
