"""``difwatch rescan``."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import click

from difwatch.cli.context import Context
from difwatch.cli.output import say
from difwatch.compare.budget import MOST_PAIRS

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from difwatch.cli.progress import TaskLine
    from difwatch.model.settings import Algorithm, Measure
    from difwatch.rescan.plan import RescanPlan, RescanResult
    from difwatch.service.writer import Writer

_POLL_SECONDS = 0.5


@click.command("rescan", short_help="Search everything again, in blocks; resumes if interrupted.")
@click.option(
    "--algorithm",
    type=click.Choice(["auto", "classic", "chunked"]),
    default="auto",
    help="Classic holds all tensors in memory, chunked a few; auto is classic up to 5000 pictures.",
)
@click.option(
    "--processes",
    type=click.IntRange(0, 1024),
    default=0,
    help="Blocks in parallel, unless a daemon does the search; 0 is one per core.",
)
@click.option("--chunksize", type=click.IntRange(1), help="Pictures per block.")
@click.option(
    "--nmse",
    metavar="N",
    type=click.FloatRange(0, 4),
    help="Remember pairs up to this normalised error of their tones.",
)
@click.option("--similarity", metavar="MSE", help="The same where nmse = false: up to this mean squared error.")
@click.option(
    "--max-pairs", type=click.IntRange(1), default=MOST_PAIRS, show_default=True, help="Give up beyond this."
)
@click.pass_obj
def command(
    context: Context,
    algorithm: Algorithm,
    processes: int,
    chunksize: int | None,
    nmse: float | None,
    similarity: str | None,
    max_pairs: int,
) -> None:
    """Search everything again, in blocks; resumes if interrupted.

    All pictures in the store are compared with each other, and the result replaces the remembered matches. A summary
    says how many matches were missing or wrong. Pairs are searched up to the remembered error, or further with
    --nmse. A running daemon does the search while it has nothing else to do.
    """
    from difwatch.cli import logs, values
    from difwatch.cli.progress import TaskLine
    from difwatch.clock import SystemClock
    from difwatch.errors import StoppedError, UsageError
    from difwatch.report.text import text_rescan
    from difwatch.rescan.plan import RescanPlan
    from difwatch.service.requests import StartRescan

    if nmse is not None and similarity is not None:
        raise UsageError("--nmse and --similarity: give one of them")
    mse = values.similarity_of(similarity)
    error = nmse if nmse is not None else mse
    measure: Measure = "mse" if nmse is None else "nmse"
    logs.set_up(context.verbose, context.quiet, "text", journal=logs.is_journal(os.environ))
    line, is_here = TaskLine(SystemClock(), context.quiet), True
    try:
        with context.writer("rescan") as writer:
            is_here = writer.engine is not None
            if writer.engine is not None:
                side_by_side = processes or len(os.sched_getaffinity(0))
                plan = RescanPlan(algorithm, side_by_side, _memory(), max_pairs, chunksize, error, measure=measure)
                result = _here(context, writer.engine, plan, line)
            else:
                writer.send(StartRescan(algorithm, max_pairs, chunksize, error, measure))
                result = _follow(writer, line)
    except KeyboardInterrupt:
        goes_on = "'difwatch rescan' goes on from here" if is_here else "the daemon goes on with the search"
        raise StoppedError(f"stopped; {goes_on}") from None
    finally:
        line.end()
    say(text_rescan(result))


def _here(context: Context, engine: Engine, plan: RescanPlan, line: TaskLine) -> RescanResult:
    from difwatch.clock import SystemClock
    from difwatch.rescan.steps import RunningRescan, rescan
    from difwatch.rescan.threads import threads

    with threads(plan.processes, plan.memory) as executor:
        running = RunningRescan(engine, context.state_dir.store, plan, executor, SystemClock())
        return rescan(running, lambda state: line(state.done, state.tasks, f"{state.pairs} pairs found"))


def _follow(writer: Writer, line: TaskLine) -> RescanResult:
    """Wait for the daemon, which searches while it has nothing else to do."""
    from difwatch.rescan.plan import RescanResult
    from difwatch.service.requests import FollowRescan

    while True:
        state = writer.send(FollowRescan())
        progress = state["progress"]
        if not state["going_on"]:
            return RescanResult(**state["result"])
        if progress["tasks"]:
            line(progress["done"], progress["tasks"], f"{progress['pairs']} pairs found")
        threading.Event().wait(_POLL_SECONDS)


def _memory() -> int:
    """Return a quarter of the memory of this machine, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
