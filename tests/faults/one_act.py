"""One act, as a program that can be killed: ``one_act KIND STATE VICTIM KEEPER TARGET`` or ``undo STATE``.

Everything is loaded and looked up first; the system call that asks for the parent's pid marks where the act begins.
"""

import os
import sys
from pathlib import Path

from difwatch.actions.move import carry_out
from difwatch.actions.undo import undo
from tests.support.moving import CLOCK, act, journal, rules


def main() -> None:
    kind, state, *paths = sys.argv[1:]
    book = journal(Path(state))
    if kind == "undo":
        (entry,) = [one for one in book.entries(states=["done"]) if one.picture is None]
        os.getppid()
        print(undo(entry, book, CLOCK).state)
    else:
        victim, keeper, target = map(Path, paths)
        planned = act(victim, keeper, target if kind == "move" else None, kind)
        found = rules(Path(state))
        os.getppid()
        print(carry_out(planned, book, found).state)


if __name__ == "__main__":
    main()
