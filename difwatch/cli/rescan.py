"""``difwatch rescan``."""

import os
from datetime import UTC, datetime

import click

from difwatch.cli import Common
from difwatch.search.budget import MOST_PAIRS


@click.command("rescan", short_help="Search everything anew, in blocks; goes on where it was interrupted.")
@click.option(
    "--algorithm",
    type=click.Choice(["auto", "classic", "chunked"]),
    default="auto",
    help="Classic holds all tensors in memory, chunked a few; auto is classic up to 5000 pictures.",
)
@click.option("--processes", type=click.IntRange(0, 1024), default=0, help="Blocks side by side; 0 is one per core.")
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
    --similarity. The daemon must not be running.
    """
    from difwatch.cli import logs
    from difwatch.control import WriterLock
    from difwatch.errors import UsageError
    from difwatch.pipeline.rescan import Request, rescan, threads
    from difwatch.report.text import text_rescan
    from difwatch.search.distance import similarity_mse
    from difwatch.store import open_writer, upgrade

    try:
        mse = None if similarity is None else similarity_mse(similarity)
    except ValueError as error:
        raise UsageError(f"--similarity {similarity!r}: {error}") from error
    request = Request(algorithm, processes or len(os.sched_getaffinity(0)), _memory(), max_pairs, chunksize, mse)
    common.must_have_store()
    logs.set_up(common.verbose, common.quiet, "text", journal="JOURNAL_STREAM" in os.environ)
    line = logs.TaskLine(common.quiet)
    lock = WriterLock(common.state_dir)
    try:
        engine = open_writer(common.store)
        upgrade(engine, common.store)
        with threads(request.processes, request.memory) as executor:
            result = rescan(
                engine,
                common.store,
                request,
                executor,
                lambda: datetime.now(UTC).isoformat(),
                lambda now: line(now.done, now.tasks, f"{now.pairs} pairs found"),
            )
        engine.dispose()
    finally:
        line.end()
        lock.release()
    click.echo(text_rescan(result))


def _memory() -> int:
    """A quarter of the memory of this machine, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
