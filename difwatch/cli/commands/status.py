"""``difwatch status``."""

import contextlib
import json
import sys
import threading
from dataclasses import replace

import click

from difwatch.cli.context import Context, other_service

_SECONDS = 2.0
_ANSWER_SECONDS = 5.0
_GROUPED_MOST = 20_000  # pictures; more would take longer than a second


@click.command("status", short_help="Show whether the daemon runs, what it does, and what it misses.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--watch", "again", is_flag=True, help="Refresh every two seconds, until Ctrl-C.")
@click.pass_obj
def command(context: Context, as_json: bool, again: bool) -> None:
    """Show whether the daemon runs, what it does, and what it misses.

    Exits with 0 if all is well, 1 if the daemon is not running, 3 if something needs attention.
    """
    if again:
        with contextlib.suppress(KeyboardInterrupt):  # which is how it ends
            _show_again(context, as_json)
        return
    text, exit_code = _status(context, as_json)
    click.echo(text, nl=False)
    raise SystemExit(exit_code)


def _show_again(context: Context, as_json: bool) -> None:
    while True:
        text, _ = _status(context, as_json)
        click.echo(("\x1b[2J\x1b[H" if sys.stdout.isatty() else "") + text, nl=False)
        sys.stdout.flush()
        threading.Event().wait(_SECONDS)


def _status(context: Context, as_json: bool) -> tuple[str, int]:
    from difwatch.cli.hints import completed
    from difwatch.clock import SystemClock
    from difwatch.control.heartbeat import read_heartbeat
    from difwatch.control.lock import holder
    from difwatch.control.requests import is_answering
    from difwatch.errors import StoreMissingError, StoreOlderError
    from difwatch.report.status import read_status
    from difwatch.report.text_status import text_status

    since_boot = SystemClock().since_boot()
    holding = holder(context.state_dir)
    heartbeat = read_heartbeat(context.state_dir)
    try:
        with context.reading() as connection:
            status = read_status(connection, holding, heartbeat, since_boot, _GROUPED_MOST)
    except StoreMissingError:
        status = read_status(None, holding, heartbeat, since_boot)
    except StoreOlderError:
        if holding is None:
            raise
        status = replace(
            read_status(None, holding, heartbeat, since_boot),
            state="degraded",
            reasons=["the store is being brought to the schema of this version"],
            exit_code=3,
        )
    if status.state == "running" and not is_answering(context.state_dir, _ANSWER_SECONDS):
        silent = f"it does not answer within {_ANSWER_SECONDS:g} s; if that goes on, start it again"
        status = replace(status, state="degraded", reasons=[silent], exit_code=3)
    if status.state == "stopped" and not context.state_dir.store.exists():
        where = f"there is no store in {context.state_dir.path}{other_service(context.state_dir)}"
        status = replace(status, notes=[where])
    text = (
        json.dumps(status.as_json(), indent=1) + "\n"
        if as_json
        else completed("".join(text_status(status, context.paint)))
    )
    return text, status.exit_code
