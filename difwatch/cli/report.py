"""``difwatch report``."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from difwatch.cli import Common, pour


@click.command("report", short_help="Groups of matching pictures, best first.")
@click.option(
    "--format", "kind", type=click.Choice(["text", "json", "csv"]), default="text", help="How it is written."
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False), help="Write there instead.")
@click.option("--threshold", metavar="MSE", type=float, help="Another mean squared error than the configured one.")
@click.option("--pairs", is_flag=True, help="Every pair of files instead of groups.")
@click.option("--folder", metavar="DIR", type=click.Path(), help="Only pictures below this folder.")
@click.option("--since", metavar="TIME", help="Only with pictures new since a moment, or for so long (2h, 7d).")
@click.pass_obj
def command(
    common: Common,
    kind: str,
    output: str | None,
    threshold: float | None,
    pairs: bool,
    folder: str | None,
    since: str | None,
) -> None:
    """Groups of matching pictures, best first.

    Each group is a best picture and those within the threshold of it.
    """
    from difwatch.cli.moments import moment as moment_of
    from difwatch.errors import UsageError
    from difwatch.report import formats, text
    from difwatch.report.summary import summarize

    if threshold is not None and not 0 <= threshold <= 65025:
        raise UsageError(f"--threshold {threshold:g}: must be a mean squared error from 0 to 65025")
    within = os.fsencode(os.path.realpath(folder)) if folder else None
    new_since = moment_of(since) if since else None
    with common.reading() as connection:
        summary = replace(summarize(connection, threshold, within), since=new_since)
    moment = datetime.now(UTC).isoformat()
    writers = {
        ("text", False): text.text_groups,
        ("text", True): text.text_pairs,
        ("json", False): lambda found: formats.json_groups(found, moment),
        ("json", True): formats.json_pairs,
        ("csv", False): formats.csv_groups,
        ("csv", True): formats.csv_pairs,
    }
    pieces = writers[kind, pairs](summary)
    if output is None:
        pour(pieces)
        return
    try:
        with Path(output).open("w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(pieces)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from error
