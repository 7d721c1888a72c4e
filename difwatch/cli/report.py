"""``difwatch report``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from difwatch.cli import Common, pour

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from difwatch.report.summary import Summary


@click.command("report", short_help="Groups of matching pictures, best first.")
@click.option(
    "--format", "kind", type=click.Choice(["text", "json", "csv", "html"]), default="text", help="How it is written."
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
    from difwatch.cli import values
    from difwatch.cli.moments import moment as moment_of
    from difwatch.errors import UsageError
    from difwatch.report.summary import summarize

    threshold = values.threshold(threshold)
    new_since = moment_of(since) if since else None
    with common.reading() as connection:
        within = values.within(connection, folder)
        summary = replace(summarize(connection, threshold, within), since=new_since)
        pieces = _pieces(kind, pairs, summary, connection)
    if output is None:
        pour(pieces)
        return
    try:
        with Path(output).open("w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(pieces)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from error


def _pieces(kind: str, pairs: bool, summary: Summary, connection: Connection) -> Iterator[str]:
    from difwatch.report import formats, html, text

    now = datetime.now().astimezone()
    match kind, pairs:
        case "json", False:
            return formats.json_groups(summary, now.astimezone(UTC).isoformat())
        case "json", True:
            return formats.json_pairs(summary)
        case "csv", False:
            return formats.csv_groups(summary)
        case "csv", True:
            return formats.csv_pairs(summary)
        case "html", False:
            return html.html_groups(summary, connection, now.isoformat(" ", "minutes"))
        case "html", True:
            return html.html_pairs(summary, connection, now.isoformat(" ", "minutes"))
        case _:
            return (text.text_pairs if pairs else text.text_groups)(summary)
