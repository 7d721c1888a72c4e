"""What a person decided, carried out as a program that can be killed: ``one_review STATE DESTINATION``.

All groups are decided as the page would decide them, and the plan is made first; the system call that asks for the
parent's pid marks where the acts begin. Pictures are decoded in this process.
"""

import contextlib
import os
import sys
from dataclasses import replace
from pathlib import Path

from difwatch.actions.plan import Policy
from difwatch.config import Config
from difwatch.control.state_dir import StateDir
from difwatch.review import acts
from difwatch.review.answers import default_going
from difwatch.review.decisions import Decision, Decisions
from difwatch.review.live import LiveQueue
from difwatch.review.reading import groups_now
from tests.support.clock import NOON
from tests.support.moving import CLOCK, rules


def main() -> None:
    state, destination = Path(sys.argv[1]), Path(sys.argv[2])
    watched = [os.fsencode(destination.parent / "pictures")]
    acts.act_rules = lambda *_: contextlib.nullcontext(replace(rules(state), watched=watched))
    decisions = Decisions(StateDir(state).decisions)
    live = LiveQueue(StateDir(state).store, decisions, CLOCK, lambda *_: None)
    assert live.refresh()
    with live.reading() as connection:
        shelf = live.shelf()
        for now in groups_now(live, connection, shelf, list(range(len(shelf.queue)))):
            going = frozenset((image.digest, image.path) for image in default_going(now))
            decisions.put(Decision("keep", frozenset(image.digest for image in now.images), going), now.images, NOON)
    live.decide_again()
    doing = acts.Acts(live, StateDir(state), Config(), CLOCK, lambda _: None)
    planned = doing.plan(Policy("move", os.fsencode(destination), keep_tree=True))
    os.getppid()
    for progress in doing.carry_out(planned):
        print(f"done {progress.done}", flush=True)
    print("all done", flush=True)


if __name__ == "__main__":
    main()
