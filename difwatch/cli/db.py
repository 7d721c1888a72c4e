"""``difwatch db``."""

from datetime import UTC, datetime
from pathlib import Path

import click

from difwatch.cli import Common, say


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
    say(f"{common.store}: schema {schema.HEAD} ({change})")


@command.command("check")
@click.pass_obj
def check_command(common: Common) -> None:
    """Read the whole store and the journal of moves, and say whether they are sound.

    Works beside the daemon. Exits with 5 when one of them is damaged.
    """
    from difwatch.errors import JournalError, StoreForeignError
    from difwatch.store import damage

    with common.reading():  # it is a store, and of this version
        pass
    if found := damage(common.store):
        raise StoreForeignError(f"{common.store}: damaged: {found[0]}")
    say(f"{common.store}: sound")
    journal = common.state_dir / "moves.db"
    if not journal.exists():
        return
    try:
        found = damage(journal)
    except StoreForeignError:
        found = ["it is no database"]
    if found:
        raise JournalError(f"{journal}: damaged: {found[0]}; keep it: it says where moved pictures are")
    say(f"{journal}: sound")


@command.command("backup")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def backup_command(common: Common, file: Path | None) -> None:
    """Copy the store to FILE, or to the daily copies beside it.

    Works beside the daemon, which makes a copy each day by itself and keeps three.
    """
    from difwatch.errors import StoreError, UsageError
    from difwatch.store import backups

    with common.reading():  # it is a store, and of this version
        pass
    if file is None:
        day = datetime.now(UTC).date().isoformat()
        if trouble := backups.back_up(common.store, day, anew=True):
            raise StoreError(trouble)
        say(f"{backups.newest(common.store)}")
        return
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise UsageError(f"{file}: is there already; name another file") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
    backups.copy(common.store, file)
    say(f"{file}")
