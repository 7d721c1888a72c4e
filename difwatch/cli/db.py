"""``difwatch db``."""

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
