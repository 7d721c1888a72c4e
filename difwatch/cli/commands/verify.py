"""``difwatch verify``."""

import click

from difwatch.cli.context import Context
from difwatch.cli.output import say


@click.command("verify", short_help="Check the promise: brute force against what is remembered.")
@click.option("--sample", metavar="N", type=click.IntRange(1), help="Compare N pictures, chosen at random, with all.")
@click.option("--seed", type=click.IntRange(0), help="Choose the same pictures again.")
@click.pass_obj
def command(context: Context, sample: int | None, seed: int | None) -> None:
    """Check the promise: brute force against what is remembered.

    Every picture, or a sample, is compared with all others by plain arithmetic, without any of the short cuts of the
    search. Exits with 4 if a pair is missing or wrong.
    """
    import numpy as np

    from difwatch.cli import logs
    from difwatch.cli.progress import TaskLine
    from difwatch.clock import SystemClock
    from difwatch.errors import PromiseError
    from difwatch.rescan.audit import audit, text_audit

    logs.set_up(context.verbose, context.quiet, "text", journal=False)
    line = TaskLine(SystemClock(), context.quiet)
    try:
        with context.reading() as connection:
            found = audit(
                connection, sample, np.random.default_rng(seed), lambda done, all_: line(done, all_, "comparing")
            )
    finally:
        line.end()
    say(text_audit(found))
    if not found.holds:
        raise PromiseError(
            f"{found.missing} pairs are missing and {found.wrong} are wrong, such as tensors "
            f"{', '.join(f'{a}-{b}' for a, b in found.worst)}; 'difwatch rescan' sets it right; please report this"
        )
