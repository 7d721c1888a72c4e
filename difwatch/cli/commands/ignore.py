"""``difwatch ignore``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from difwatch.cli.context import Context
from difwatch.cli.output import pour, say
from difwatch.shown import shown

if TYPE_CHECKING:
    from difwatch.store.ignored import IgnoredPair


@click.command("ignore", short_help="Record that two pictures are no duplicates.")
@click.argument("pair", metavar="[A B]", nargs=-1)
@click.option("--list", "listed", is_flag=True, help="List the recorded pairs.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.option("--remove", is_flag=True, help="Remove the record; A and B may be digests from --list.")
@click.pass_obj
def command(context: Context, pair: tuple[str, ...], listed: bool, as_json: bool, remove: bool) -> None:
    """Record that two pictures are no duplicates.

    The record is by the contents of the files, so it also holds for files that are moved or renamed, and for copies.
    """
    from difwatch.cli import values
    from difwatch.errors import UsageError
    from difwatch.service.requests import Ignore
    from difwatch.store import ignored

    if listed:
        if pair or remove:
            raise UsageError("--list stands alone")
        with context.reading() as connection:
            decisions = ignored.decisions(connection)
            pour(_as_json(decisions) if as_json else _lines(decisions), exact=as_json)
        return
    pair = tuple(values.picture(context, name) for name in pair)
    if len(pair) != 2:
        raise UsageError("name two pictures, or --list")
    with context.reading() as connection:
        known = {digest for a, b in ignored.pairs(connection) for digest in (a, b)}
    a, b = (_digest(name, known if remove else set()) for name in pair)
    if a == b:
        raise UsageError(f"{pair[0]} and {pair[1]}: these have the same bytes, there is nothing to tell apart")

    with context.writer("ignore") as writer:
        is_changed = writer.do(Ignore(a, b, remove))["changed"]
    if not is_changed:
        raise UsageError(f"{pair[0]} and {pair[1]}: nothing was said about these two")
    if not context.quiet:
        names = " and ".join(shown(name) for name in pair)
        say(
            f"{names}: may match again"
            if remove
            else f"{names}: are no duplicates from now on; --remove takes it back"
        )


def _digest(name: str, known: set[bytes]) -> bytes:
    from difwatch.digest import digest_of_blocks
    from difwatch.errors import UsageError

    matching = [digest for digest in known if digest.hex().startswith(name.lower()) and len(name) >= 8]
    if len(matching) == 1 and not Path(name).exists():
        return matching[0]
    try:
        with Path(name).open("rb") as file:
            return digest_of_blocks(iter(lambda: file.read(1 << 20), b""))
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror}") from error


def _as_json(decisions: Iterable[IgnoredPair]) -> Iterator[str]:
    from difwatch import paths

    def side(digest: bytes, files: Iterable[bytes]) -> dict[str, object]:
        return {"digest": digest.hex(), "files": [paths.as_json("path", path) for path in files]}

    rows = [
        {"decided": pair.decided, "a": side(pair.a, pair.paths_a), "b": side(pair.b, pair.paths_b)}
        for pair in decisions
    ]
    yield json.dumps({"ignored": rows}, indent=1) + "\n"


def _lines(decisions: Iterable[IgnoredPair]) -> Iterator[str]:
    from difwatch.shown import shown_path

    for pair in decisions:
        for digest, paths in ((pair.a, pair.paths_a), (pair.b, pair.paths_b)):
            names = ", ".join(shown_path(path) for path in paths) or "(no file has this content now)"
            yield f"{digest.hex()[:16]}  {names}\n"
        yield "\n"
