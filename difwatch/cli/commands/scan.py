"""``difwatch scan``: difPy's one-shot program."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from difwatch.cli.context import Context
from difwatch.cli.output import say
from difwatch.clock import SystemClock
from difwatch.errors import IncompleteError, UsageError
from difwatch.shown import shown, shown_count
from difwatch.written import replace_file


@dataclass(frozen=True, slots=True)
class Options:
    """The options as given on the command line."""

    folders: tuple[str, ...]
    directory: tuple[str, ...]
    output: str | None
    recursive: bool
    in_folder: bool | str
    limit_extensions: bool
    px_size: int
    similarity: str
    rotate: bool
    same_dim: bool
    lazy: bool | None
    processes: int | None
    chunksize: int | None
    move_to: str | None
    delete: bool
    silent_del: bool
    show_progress: bool


class _Scan(click.Command):
    """Accepts ``--no-x`` as ``--x=False``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        said = [f"--{word.removeprefix('--no-')}=False" if word.startswith("--no-") else word for word in args]
        return super().parse_args(ctx, said)


def _switch(*names: str, default: bool | None, text: str) -> Callable[[Any], Any]:
    """Return a switch in all its spellings: ``-r False``, ``--recursive``, ``--no-recursive``."""
    long = next(name for name in names if name.startswith("--"))
    spellings = dict.fromkeys([*names, long.replace("_", "-")])
    name = long.removeprefix("--").replace("-", "_")
    return click.option(*spellings, name, is_flag=False, flag_value="True", type=bool, default=default, help=text)


class _BoolOrEvery(click.ParamType[bool | str]):
    """A boolean or ``every``."""

    name = "boolean|every"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bool | str:
        return "every" if value == "every" else bool(click.BOOL.convert(value, param, ctx))


@click.command("scan", cls=_Scan, short_help="Search folders once, without a store, as difPy does.")
@click.argument("folders", metavar="[FOLDER]...", nargs=-1, type=click.Path())
@click.option("-D", "--directory", "directory", multiple=True, type=click.Path(), help="A folder; may be repeated.")
@click.option(
    "-Z",
    "--output_directory",
    "--output-directory",
    "output",
    type=click.Path(),
    help="Directory for the three files.",
)
@_switch("-r", "--recursive", default=True, text="Search subfolders too.")
@click.option(
    *("-i", "--in_folder", "--in-folder", "in_folder"),
    is_flag=False,
    flag_value="True",
    type=_BoolOrEvery(),
    default=False,
    help='Compare each given folder by itself, or with "every" each directory by itself.',
)
@_switch("-le", "--limit_extensions", default=True, text="Only files with the extension of a picture.")
@click.option(
    "-px", "--px_size", "--px-size", "px_size", type=int, default=50, help="Side of the tensors, 10 to 5000."
)
@click.option("-s", "--similarity", default="duplicates", help='"duplicates", "similar" or a mean squared error.')
@_switch("-ro", "--rotate", default=True, text="Compare all four quarter turns.")
@_switch("-dim", "--same_dim", default=True, text="Only pictures of the same width and height.")
@_switch("-la", "--lazy", default=None, text="The old name of --same_dim.")
@click.option("-proc", "--processes", type=int, help="Worker processes; one per core if not given.")
@click.option("-ch", "--chunksize", type=int, help="Pictures per block, for more than 5000 pictures.")
@click.option("-mv", "--move_to", "--move-to", "move_to", type=click.Path(), help="Move the duplicates there.")
@_switch("-d", "--delete", default=False, text="Put the duplicates into the waste basket, after asking.")
@_switch("-sd", "--silent_del", default=False, text="Do not ask before --delete.")
@_switch("-p", "--show_progress", default=True, text="Show a progress bar.")
@click.pass_obj
def command(context: Context, /, **options: Any) -> None:
    """Search folders once, without a store, as difPy does.

    Accepts the flags of difPy's program, each switch as "-r False" or "--no-recursive". If no folder is given, the
    working directory is searched. Writes three files: the results and the statistics as JSON, and the list of the
    duplicates.
    """
    from difwatch.library import parameters
    from difwatch.library.build import Build
    from difwatch.library.search import Search

    wanted = Options(**options)
    if wanted.move_to is not None and wanted.delete:
        raise UsageError("--move_to and --delete exclude each other: choose one")
    parameters.similarity(wanted.similarity)  # before anything is read
    parameters.chunksize(wanted.chunksize)
    place = _writable(wanted.output)
    show_progress = wanted.show_progress and not context.quiet
    build = Build(
        [*wanted.directory, *wanted.folders] or [os.getcwd()],  # noqa: PTH109  (as difPy writes it)
        recursive=wanted.recursive,
        in_folder=wanted.in_folder,
        limit_extensions=wanted.limit_extensions,
        px_size=wanted.px_size,
        show_progress=show_progress,
        processes=wanted.processes,
    )
    search = Search(
        build,
        similarity=wanted.similarity,
        rotate=wanted.rotate,
        same_dim=wanted.same_dim if wanted.lazy is None else wanted.lazy,
        show_progress=show_progress,
        processes=wanted.processes,
        chunksize=wanted.chunksize,
    )
    _write(place, search)
    if wanted.move_to is not None:
        search.move_to(wanted.move_to, state_dir=context.state_dir.path)
    if wanted.delete:
        search.delete(silent_del=wanted.silent_del, state_dir=context.state_dir.path)
    if build.given_up:
        raise IncompleteError(
            f"{shown_count(build.given_up, 'file')} ended the process that decoded it, or could not be read just "
            "now; the statistics name each under invalid_files"
        )


def _writable(output: str | None) -> Path:
    """Return the output directory; make it if it is missing."""
    place = Path(output or ".")
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output_directory {output}: cannot be made: {error.strerror}") from error
    if not os.access(place, os.W_OK):
        raise UsageError(f"--output_directory {place}: cannot be written to")
    return place


def _write(place: Path, search: Any) -> None:
    """Write the three files of a search, beside the others that are there, and say what was found."""
    contents = {
        "results.json": json.dumps(search.result),
        "lower_quality.txt": "".join(f"{path}\n" for path in search.lower_quality),
        "stats.json": json.dumps(search.stats),
    }
    stamp = _free_stamp(place, contents)
    for name, text in contents.items():
        target = place / f"difwatch_{stamp}_{name}"
        replace_file(target, [text])
        say(target.name)
    total = search.stats["total_files"] - search.stats["invalid_files"]["count"]
    found = f"{shown_count(total, 'picture')}, {shown_count(len(search.lower_quality), 'duplicate')}"
    say(f"\n{found}; saved in '{shown(str(place))}'.")


def _free_stamp(place: Path, names: Iterable[str]) -> str:
    """Return the moment as part of a file name, with a number if another search has taken it."""
    stamp = SystemClock().now().astimezone().strftime("%Y%m%d%H%M%S")
    wanted, number = stamp, 1
    while True:
        try:  # the first file is claimed; the others go with it
            os.close(os.open(place / f"difwatch_{wanted}_{next(iter(names))}", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            number += 1
            wanted = f"{stamp}_{number}"
        else:
            return wanted
