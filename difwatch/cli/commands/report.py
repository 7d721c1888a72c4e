"""``difwatch report``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from difwatch.cli.context import Context
from difwatch.cli.files import refuse_picture, write_whole
from difwatch.cli.matching import matching_options
from difwatch.cli.output import may_wait, pour, spooled

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from difwatch.matches.collection import Collection
    from difwatch.matches.rules import MatchRules
    from difwatch.matches.stored import StoredCollection
    from difwatch.model.settings import Asked
    from difwatch.report.paint import Paint


@click.command("report", short_help="List groups of matching pictures, best first.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["text", "json", "csv", "html"]),
    default="text",
    help="Format of the report.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write to FILE instead of standard output.",
)
@matching_options
@click.option("--pairs", is_flag=True, help="List every pair of files instead of groups.")
@click.option("--histogram", is_flag=True, help="Count the pairs by their error, also beyond the similarity.")
@click.option("--folder", metavar="DIR", type=click.Path(), help="Only pictures below this folder.")
@click.option("--since", metavar="TIME", help="Only with pictures new since a time or within a span (2h, 7d).")
@click.pass_obj
def command(
    context: Context,
    kind: str,
    output: str | None,
    similarity: str | None,
    rotate: bool | None,
    same_dim: bool | None,
    mirror: bool | None,
    pairs: bool,
    histogram: bool,
    folder: str | None,
    since: str | None,
) -> None:
    """List groups of matching pictures, best first.

    A group is a best picture and the pictures within the threshold of it.
    """
    from difwatch.cli import values
    from difwatch.errors import UsageError
    from difwatch.matches.read import read_collection
    from difwatch.matches.stored import read_stored
    from difwatch.report.paint import PLAIN

    if histogram and (pairs or folder or since or kind not in ("text", "json")):
        raise UsageError("--histogram counts all pairs, as text or JSON: it goes with none of these")
    if output is not None:
        refuse_picture("--output", Path(output))
    new_since = values.moment(since) if since else None
    context.tell_if_partial()
    with context.reading() as connection:
        below = values.watched_directory(connection, folder)
        asked = values.asked(context, connection, similarity, rotate, same_dim, mirror)
        if histogram:
            pieces = _histogram(kind, connection, asked)
        else:
            said = _Said(kind, connection, context.paint if output is None else PLAIN, output is None)
            if pairs:
                pieces = _pairs(said, replace(read_collection(connection, asked, below), since=new_since))
            else:
                pieces = _groups(said, read_stored(connection, asked, below, new_since))
        if output is not None:
            write_whole("--output", Path(output), pieces)
            return
        if not may_wait():
            pour(pieces, exact=kind != "text")
            return
        pieces = spooled(pieces)
    pour(pieces, exact=kind != "text")


def _histogram(kind: str, connection: Connection, asked: Asked) -> Iterator[str]:
    from difwatch.matches.read import read_rules
    from difwatch.report.histogram import json_histogram, read_histogram, text_histogram

    counted = read_histogram(connection, read_rules(connection, asked))
    return iter([json.dumps(json_histogram(counted), indent=1), "\n"]) if kind == "json" else text_histogram(counted)


class _Said(NamedTuple):
    """How a report is given: its format, the view of the store, the colours, and whether a person may read it."""

    kind: str
    connection: Connection
    paint: Paint
    is_printed: bool


def _groups(said: _Said, found: StoredCollection) -> Iterator[str]:
    from difwatch.report import formats, html, text

    now = _now()
    match said.kind:
        case "json":
            return formats.json_groups(found, now.astimezone(UTC))
        case "csv":
            return formats.csv_groups(found)
        case "html":
            return html.html_groups(found, said.connection, now.isoformat(" ", "minutes"))
        case _:
            return text.text_groups(found, said.paint, _shared(found.rules) if said.is_printed else None)


def _pairs(said: _Said, found: Collection) -> Iterator[str]:
    from difwatch.report import formats, html, text

    match said.kind:
        case "json":
            return formats.json_pairs(found)
        case "csv":
            return formats.csv_pairs(found)
        case "html":
            return html.html_pairs(found, said.connection, _now().isoformat(" ", "minutes"))
        case _:
            return text.text_pairs(found, said.paint, _shared(found.rules) if said.is_printed else None)


def _now() -> datetime:
    from difwatch.clock import SystemClock

    return SystemClock().now().astimezone()


def _shared(rules: MatchRules) -> bytes | None:
    """Return what need not be said of each path to a person: the directory that all folders share."""
    from difwatch import paths

    folders = [folder.path for folder in rules.folders.values()]
    if not sys.stdout.isatty() or not folders:
        return None
    shared = paths.common(folders)
    return None if shared == b"/" else shared
