"""``difwatch rescan``."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from difwatch.cli import Common, say
from difwatch.search.budget import MOST_PAIRS

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from difwatch.cli.logs import TaskLine
    from difwatch.cli.writer import Writer
    from difwatch.model import Rescanned

_POLL_SECONDS = 0.5


@click.command("rescan", short_help="Search everything anew, in blocks; goes on where it was interrupted.")
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
    help="Blocks side by side, where no daemon does it; 0 is one per core.",
)
@click.option("--chunksize", type=click.IntRange(1), help="Pictures in a block.")
@click.option(
    "--similarity", metavar="MSE", help='Remember pairs up to this error: "duplicates", "similar" or an MSE.'
)
@click.option("--max-pairs", type=click.IntRange(1), default=MOST_PAIRS, show_default=True, help="Give up beyond.")
@click.pass_obj
def command(
    common: Common, algorithm: str, processes: int, chunksize: int | None, similarity: str | None, max_pairs: int
) -> None:
    """Search everything anew, in blocks; goes on where it was interrupted.

    All pictures in the store are compared with each other, and the remembered matches become what was found. It
    says how many of them were missing or wrong. Pairs are searched as far as they are remembered, or further with
    --similarity. A running daemon does it while it has nothing else to do.
    """
    from difwatch.cli import logs
    from difwatch.cli.writer import Writer
    from difwatch.errors import UsageError
    from difwatch.report.text import text_rescan
    from difwatch.search.distance import similarity_mse

    try:
        mse = None if similarity is None else similarity_mse(similarity)
    except ValueError as error:
        raise UsageError(f"--similarity {similarity!r}: {error}") from error
    asked = {"algorithm": algorithm, "max_pairs": max_pairs, "chunksize": chunksize, "similarity": mse}
    logs.set_up(common.verbose, common.quiet, "text", journal=logs.is_journal(os.environ))
    line = logs.TaskLine(common.quiet)
    try:
        with Writer(common) as writer:
            if writer.is_here:
                result = writer.do({}, _here(common, asked, processes, line))
            else:
                writer.do({"do": "rescan"} | asked, lambda _: None)
                result = _follow(writer, line)
    finally:
        line.end()
    say(text_rescan(result))


def _here(common: Common, asked: dict[str, Any], processes: int, line: TaskLine) -> Callable[[Engine], Rescanned]:
    def here(engine: Engine) -> Rescanned:
        from difwatch.pipeline.rescan import Request, rescan, threads

        many = processes or len(os.sched_getaffinity(0))
        request = Request(
            asked["algorithm"], many, _memory(), asked["max_pairs"], asked["chunksize"], asked["similarity"]
        )
        with threads(request.processes, request.memory) as executor:
            return rescan(
                engine,
                common.store,
                request,
                executor,
                lambda: datetime.now(UTC).isoformat(),
                lambda now: line(now.done, now.tasks, f"{now.pairs} pairs found"),
            )

    return here


def _follow(writer: Writer, line: TaskLine) -> Rescanned:
    """Wait for the daemon, which searches while nothing else is to be done."""
    from difwatch.model import Rescanned

    while True:
        state = writer.do({"do": "rescan progress"}, lambda _: None)
        now = state["progress"]
        if not state["going_on"]:
            return Rescanned(**state["result"])
        if now["tasks"]:
            line(now["done"], now["tasks"], f"{now['pairs']} pairs found")
        threading.Event().wait(_POLL_SECONDS)


def _memory() -> int:
    """A quarter of the memory of this machine, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
