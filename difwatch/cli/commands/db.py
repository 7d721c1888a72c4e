"""``difwatch db``."""

from pathlib import Path

import click

from difwatch.cli.context import Context
from difwatch.cli.output import say


@click.group("db", short_help="Maintain the store.")
def command() -> None:
    """Maintain the store."""


@command.command("upgrade", short_help="Upgrade the store to the schema of this version.")
@click.pass_obj
def upgrade_command(context: Context) -> None:
    """Upgrade the store to the schema of this version, keeping a copy of the old one.

    'difwatch watch' does this by itself.
    """
    from difwatch.control.lock import WriterLock
    from difwatch.store import open_writer, schema

    lock = WriterLock(context.state_dir, "db upgrade")
    engine = open_writer(context.state_dir.store)
    try:
        previous = schema.upgrade(engine, context.state_dir.store)
    finally:
        engine.dispose()
        lock.release()
    change = "made" if previous is None else "is up to date" if previous == schema.HEAD else f"was {previous}"
    say(f"{context.state_dir.store}: schema {schema.HEAD} ({change})")


@command.command("check")
@click.pass_obj
def check_command(context: Context) -> None:
    """Check the whole store and the journal of moves for damage.

    Works beside a running daemon. Exits with 5 if one of them is damaged.
    """
    from difwatch.errors import JournalError, StoreForeignError
    from difwatch.store import damage

    with context.reading():  # raises unless it is a store of this version
        pass
    if faults := damage(context.state_dir.store):
        raise StoreForeignError(f"{context.state_dir.store}: damaged: {faults[0]}")
    say(f"{context.state_dir.store}: sound")
    journal = context.state_dir.journal
    if not journal.exists():
        return
    try:
        faults = damage(journal)
    except StoreForeignError:
        faults = ["it is no database"]
    if faults:
        raise JournalError(f"{journal}: damaged: {faults[0]}; keep it: it says where moved pictures are")
    say(f"{journal}: sound")


@command.command("backup")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def backup_command(context: Context, file: Path | None) -> None:
    """Copy the store to a new FILE, or to the daily copies beside it.

    Works beside a running daemon, which makes a copy each day by itself and keeps three.
    """
    from difwatch.clock import SystemClock
    from difwatch.errors import StoreError, UsageError
    from difwatch.store import backups

    with context.reading():  # raises unless it is a store of this version
        pass
    if file is None:
        day = SystemClock().now().date()
        if trouble := backups.back_up(context.state_dir.store, day, anew=True):
            raise StoreError(trouble)
        say(f"{backups.newest(context.state_dir.store)}")
        return
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise UsageError(f"{file}: is there already; name another file") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
    backups.copy(context.state_dir.store, file)
    say(f"{file}")
