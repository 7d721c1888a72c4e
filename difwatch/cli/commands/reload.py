"""``difwatch reload``."""

import threading

import click

from difwatch.cli.context import Context

_SECONDS, _PAUSE = 60.0, 0.1


@click.command("reload", short_help="Let the daemon read its configuration again.")
@click.pass_obj
def command(context: Context) -> None:
    """Let the daemon read its configuration again, and wait until it is in force.

    If the configuration is wrong, the mistakes are printed, and the one in force stays.
    """
    from difwatch.cli.output import say
    from difwatch.control.lock import holder
    from difwatch.control.requests import ask
    from difwatch.errors import IncompleteError, StoreBusyError
    from difwatch.service.requests import Ping, Reload, message

    if holder(context.state_dir) is None:
        raise StoreBusyError(f"{context.state_dir.path}: no daemon works with this state directory")
    ask(context.state_dir, message(Reload()))
    for _ in range(int(_SECONDS / _PAUSE)):
        if ask(context.state_dir, message(Ping()))["settled"]:
            if not context.quiet:
                say("the configuration is in force")
            return
        threading.Event().wait(_PAUSE)
    raise IncompleteError("the configuration is right, but not in force yet; 'difwatch status' says why")
