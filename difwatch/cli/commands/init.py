"""``difwatch init``."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from difwatch.cli.context import Context
from difwatch.errors import UsageError


@click.command("init", short_help="Write a configuration, and offer to start the service.")
@click.argument("folders", metavar="[FOLDER]...", nargs=-1)
@click.option(
    "--service/--no-service", "service", default=None, help="Start difwatch now and at each login, by systemd."
)
@click.pass_context
def command(ctx: click.Context, folders: tuple[str, ...], service: bool | None) -> None:
    """Write a configuration that watches the FOLDERs, and offer to start the service.

    On a terminal it asks for what is not given. All other keys stand in the file as comments with their defaults.
    """
    from difwatch import config, paths
    from difwatch.cli.configuration import write_new

    context = ctx.ensure_object(Context)
    is_person = sys.stdin.isatty() and sys.stderr.isatty()
    named_file = context.config_file or os.environ.get("DIFWATCH_CONFIG")
    if named_file and service:
        raise UsageError("--service: it reads the usual file; leave out --config and DIFWATCH_CONFIG")
    file = Path(paths.expanded(named_file)) if named_file else config.of_user()
    if file.exists():
        raise UsageError(f"{file}: is there already; 'difwatch config show' prints what is in force")
    named = folders or (_asked_folders() if is_person else ())
    if not named:
        raise UsageError("name the folders with your pictures, as in 'difwatch init ~/Pictures'")
    real = list(dict.fromkeys(_checked(folder) for folder in named))
    write_new(file, real)
    click.echo(f"{file}: written")
    if service is None and is_person and not named_file and shutil.which("systemctl"):
        service = click.confirm("Start difwatch now and at each login?", default=True, err=True)
    if service:
        ctx.invoke(_install(ctx), folders=(), where="user", linger=False, sysctl=False, dry_run=False)
    elif not context.quiet:
        click.echo("next: 'difwatch watch' reads the folders, and follows every change in them", err=True)


def _install(ctx: click.Context) -> click.Command:
    """Return the command that installs the service."""
    root = ctx.find_root()
    assert isinstance(root.command, click.Group)
    service = root.command.get_command(root, "service")
    assert isinstance(service, click.Group)
    return service.commands["install"]


def _asked_folders() -> tuple[str, ...]:
    """Ask a person for folders, one after another."""
    usual = os.path.expanduser("~/Pictures")  # noqa: PTH111  (a test has no home)
    default = "~/Pictures" if os.path.isdir(usual) else None  # noqa: PTH112
    folders = [click.prompt("Folder with pictures", default=default, err=True)]
    while more := click.prompt("Another one (Enter: none)", default="", show_default=False, err=True):
        folders.append(more)
    return tuple(folders)


def _checked(folder: str) -> bytes:
    from difwatch import paths

    real = paths.real(folder)
    if not os.path.isdir(real):  # noqa: PTH112  (bytes have no Path)
        raise UsageError(f"{folder}: there is no such folder")
    return real
