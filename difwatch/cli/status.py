"""``difwatch status``."""

import json

import click

from difwatch.cli import Common


@click.command("status", short_help="Is it alive, is it complete, what is it doing.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def command(common: Common, as_json: bool) -> None:
    """Is it alive, is it complete, what is it doing.

    Exits with 0 when all is well, 1 when the daemon is not running, 3 when something is not watched.
    """
    from difwatch import control
    from difwatch.errors import StoreMissingError
    from difwatch.report.status import read_status
    from difwatch.report.text import text_status

    pid = control.holder(common.state_dir)
    heartbeat = control.read_heartbeat(common.state_dir)
    try:
        with common.reading() as connection:
            status = read_status(connection, pid, heartbeat)
    except StoreMissingError:
        status = read_status(None, pid, heartbeat)
    click.echo(json.dumps(status.as_json(), indent=1) if as_json else "".join(text_status(status)), nl=as_json)
    raise SystemExit(status.exit_code)
