"""``difwatch verify``."""

import json
from dataclasses import asdict

import click

from difwatch.cli.context import Context
from difwatch.cli.output import say


@click.command("verify", short_help="Check the remembered matches by brute force.")
@click.option("--sample", metavar="N", type=click.IntRange(1), help="Compare only N random pictures with all others.")
@click.option("--seed", type=click.IntRange(0), help="Seed of the random choice, to repeat it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(context: Context, sample: int | None, seed: int | None, as_json: bool) -> None:
    """Check the remembered matches by brute force.

    Every picture, or a sample, is compared with all others by plain arithmetic, without any of the shortcuts of the
    search. Exits with 4 if a pair is missing or wrong.
    """
    import numpy as np

    from difwatch.cli import logs
    from difwatch.cli.progress import TaskLine
    from difwatch.clock import SystemClock
    from difwatch.errors import PromiseError
    from difwatch.rescan.audit import audit, text_audit

    logs.set_up(context.verbose, context.quiet, "text", journal=False)
    context.tell_if_partial()
    line = TaskLine(SystemClock(), context.quiet)
    try:
        with context.reading() as connection:
            result = audit(
                connection, sample, np.random.default_rng(seed), lambda done, all_: line(done, all_, "comparing")
            )
    finally:
        line.end()
    say(json.dumps(asdict(result), indent=1) if as_json else text_audit(result))
    if not result.holds:
        raise PromiseError(
            f"{result.missing} pairs are missing and {result.wrong} are wrong, such as tensors "
            f"{', '.join(f'{a}-{b}' for a, b in result.worst)}; 'difwatch rescan' sets it right; please report this"
        )
