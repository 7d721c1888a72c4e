"""``difwatch db``."""

from datetime import UTC, datetime
from pathlib import Path

import click

from difwatch.cli import Common


@click.group("db", short_help="The store.")
def command() -> None:
    """The store."""


@command.command("upgrade")
@click.pass_obj
def upgrade_command(common: Common) -> None:
    """Bring the store to the schema of this difwatch, keeping a copy of the old one.

    ``difwatch watch`` does this by itself.
    """
    from difwatch.control import WriterLock
    from difwatch.store import open_writer, schema

    lock = WriterLock(common.state_dir)
    engine = open_writer(common.store)
    try:
        before = schema.upgrade(engine, common.store)
    finally:
        engine.dispose()
        lock.release()
    change = "made" if before is None else "is up to date" if before == schema.HEAD else f"was {before}"
    click.echo(f"{common.store}: schema {schema.HEAD} ({change})")


@command.command("check")
@click.pass_obj
def check_command(common: Common) -> None:
    """Read the whole store and the journal of moves, and say whether they are sound.

    Works beside the daemon. Exits with 5 when one of them is damaged.
    """
    from difwatch.errors import StoreForeignError
    from difwatch.store import damage

    common.must_have_store()
    journal = common.state_dir / "moves.db"
    for path in (common.store, *([journal] if journal.exists() else [])):
        found = damage(path)
        if found:
            raise StoreForeignError(f"{path}: damaged: {found[0]}")
        click.echo(f"{path}: sound")


@command.command("backup")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def backup_command(common: Common, file: Path | None) -> None:
    """Copy the store to FILE, or to the daily copies beside it.

    Works beside the daemon, which makes a copy each day by itself and keeps three.
    """
    from difwatch.errors import StoreError, UsageError
    from difwatch.store import backups, schema

    common.must_have_store()
    if file is None:
        day = datetime.now(UTC).date().isoformat()
        if trouble := backups.back_up(common.store, day):
            raise StoreError(trouble)
        click.echo(f"{backups.newest(common.store)}")
        return
    if file.exists():
        raise UsageError(f"{file}: is there already; name another file")
    schema.backup(common.store, file)
    click.echo(f"{file}")
