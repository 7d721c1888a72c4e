"""The watcher under faults and load: after things are quiet, the store must be what is on the disk, or status tells.

    python -m tests.faults.watching [--quick] [--only NAME …] [--soak SECONDS] [--list]

Each scene has a real daemon in a place of its own. After it has come to rest, the rows of the store are compared with
a walk of its own and with the digests of all files: lost (on the disk only), ghost (in the store only), wrong
(another digest); and with a manifest of what was written, kept outside the tree. Prints a row of a table for each,
and every violation. Without ``--quick`` and ``--only``, it takes hours. Some scenes need root, and say so.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Iterator

from tests.faults import absences, happenings
from tests.faults.scenes import HEADER, Row, SkippedError

SCENES: dict[str, Callable[[bool], Iterator[Row]]] = {
    "burst": happenings.burst,
    "overflow": happenings.overflow,
    "directories": happenings.directories,
    "limit": absences.limit,
    "limit reached later": absences.limit_later,
    "trash": happenings.trash,
    "copies": happenings.copies,
    "writers": happenings.writers,
    "unmounted": absences.unmounted,
    "unmounted lazily": absences.unmounted_lazily,
    "emptied": absences.emptied,
    "other disk": absences.other_disk,
    "root renamed": absences.root_renamed,
    "root replaced": absences.root_replaced,
    "root is a link": absences.root_is_a_link,
    "errors": absences.errors,
    "permission": absences.permission,
    "permission later": absences.permission_later,
    "names": happenings.names,
    "inodes": happenings.inodes,
    "many deleted": absences.many_deleted,
    "mounted over": absences.mounted_over,
    "part unmounted": absences.part_unmounted,
    "soak": happenings.soak,
    "idle": happenings.idle,
}
LONG_ONLY = {"permission", "idle"}
BY_NAME_ONLY = {"soak"}
NEEDS_ROOT = {
    "directories", "unmounted", "unmounted lazily", "emptied", "other disk", "permission",
    "permission later", "mounted over", "part unmounted",
}  # fmt: skip


def play(name: str, quick: bool) -> Iterator[Row]:
    """The rows of a scene."""
    try:
        yield from SCENES[name](quick)
    except SkippedError as why:
        yield Row(name, 0, skipped=str(why))
    except AssertionError as error:
        yield Row(name, 0, failed=[str(error)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", choices=SCENES, metavar="NAME")
    parser.add_argument("--soak", type=float, metavar="SECONDS", default=3600.0)
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        print(*SCENES, sep="\n")
        return
    SCENES["soak"] = functools.partial(happenings.soak, seconds=arguments.soak)
    left_out = LONG_ONLY if arguments.quick else BY_NAME_ONLY
    problems = []
    print(HEADER, flush=True)
    for name in arguments.only or [name for name in SCENES if name not in left_out]:
        for row in play(name, arguments.quick):
            print(row.text(), flush=True)
            problems += row.problems()
    print(f"violations {len(problems)}", *problems, sep="\n")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
