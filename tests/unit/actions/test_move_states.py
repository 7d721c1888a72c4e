"""Random folders, roles, keep orders, acts, undos and crashes: each picture that goes leaves one that stays."""

import contextlib
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from PIL import Image as Picture

from difwatch.actions import transfer
from difwatch.actions.move import carry_out
from difwatch.actions.plan import Act, Policy, plan
from difwatch.actions.recover import recover
from difwatch.actions.undo import undo
from difwatch.compare.pair import tensor_errors
from difwatch.imaging.decode import decode
from difwatch.imaging.tensor import tensor
from difwatch.matches.groups import group_images
from difwatch.matches.rules import MatchRules
from difwatch.model.pictures import Errors
from difwatch.model.settings import Settings
from tests.support.moving import CLOCK, journal, rules, tree
from tests.support.moving import image as look

PX, LIMIT = 10, 400
FOLDERS = ("one", "two", "reference")
NAMES = ("a.png", "b.png", "c.png", "d.png")
LEVELS = (100, 101, 102, 180)


class Crash(BaseException):
    """Stands for a kill between two steps."""


def write(path, level):
    Picture.fromarray(np.full((12, 12, 3), level, np.uint8)).save(path)


def level_of(path):
    return int(tensor(decode(path.read_bytes()).image, PX)[0, 0, 0])


def apart(a, b):
    return int(tensor_errors(np.full((PX, PX, 3), a, np.uint8), np.full((PX, PX, 3), b, np.uint8)).min())


class Acts(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="difwatch-acts-"))
        for name in (*FOLDERS, "out"):
            (self.base / name).mkdir()
        self.book = journal(self.base / "state")
        self.rules = rules(self.base, px=PX)
        self.ever: dict[str, bytes] = {}
        self.tree: dict[str, bytes] = {}

    def teardown(self):
        self.book.close()
        shutil.rmtree(self.base)

    @initialize(
        files=st.dictionaries(
            st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES)), st.sampled_from(LEVELS), max_size=12
        )
    )
    def fill(self, files):
        for (folder, name), level in files.items():
            write(self.base / folder / name, level)
        self.tree = self.pictures()

    def pictures(self):
        return tree(*(self.base / name for name in FOLDERS))

    def indexed(self):
        """The pictures as the index would have them: equal levels share a tensor."""
        found = []
        for folder in FOLDERS:
            for path in sorted((self.base / folder).iterdir()):
                known = look(path, width=12, height=12, limit=LIMIT, reference=folder == "reference")
                found.append(replace(known, tensor=level_of(path)))
        return found

    @rule(
        keep=st.permutations(("pixels", "bytes", "oldest", "newest", "path")),
        kind=st.sampled_from(["move", "trash"]),
        keep_tree=st.booleans(),
        crash=st.one_of(st.none(), st.integers(0, 6)),
        stale=st.booleans(),
    )
    def act(self, keep, kind, keep_tree, crash, stale):
        images = self.indexed()
        levels = {image.tensor for image in images}
        near = {a: [(b, Errors(apart(a, b), -1)) for b in levels if b != a] for a in levels}
        rules = MatchRules(Settings(same_dim=False), {}, {}, 1, "exact", PX)
        groups = group_images(images, near, rules, keep)
        policy = Policy(kind, os.fsencode(self.base / "out") if kind == "move" else None, keep_tree)
        steps = plan(groups, lambda image: policy, [os.fsencode(self.base / name) for name in FOLDERS])
        if stale and steps:  # one of the pictures to keep is rewritten after the plan was made
            write(Path(os.fsdecode(groups[0].primary.path)), 250)
            self.tree = self.pictures() | {path: data for path, data in self.tree.items() if not Path(path).exists()}
        for step in steps:
            if isinstance(step, Act):
                assert not step.image.reference
                with contextlib.suppress(Crash), crashing(crash):
                    outcome = carry_out(step, self.book, self.rules)
                    if outcome.state == "done":
                        kept = Path(os.fsdecode(step.keeper.path))
                        assert apart(level_of(kept), step.image.tensor) <= LIMIT, "a survivor within the threshold"
        self.restart()

    @rule(crash=st.one_of(st.none(), st.integers(0, 4)))
    def undo_all(self, crash):
        entries = [one for one in self.book.entries(states=["done"]) if one.picture is None and one.kind != "undo"]
        for entry in reversed(entries):
            with contextlib.suppress(Crash), crashing(crash):
                assert undo(entry, self.book, CLOCK).state == "done"
        self.restart()
        if crash is None:
            assert self.pictures() == self.tree, "apply then undo restores the tree byte for byte"

    def restart(self):
        recover(self.book, CLOCK)
        self.book.close()
        self.book = journal(self.base / "state")

    @invariant()
    def every_picture_is_somewhere_once(self):
        everything = tree(*(self.base / name for name in (*FOLDERS, "out")))
        basket = self.base / ".local/share/Trash/files"
        everything |= tree(basket) if basket.exists() else {}
        assert sorted(everything.values()) == sorted(self.tree.values())
        assert not [path for path in everything if "/.difwatch" in path]
        assert self.book.entries(states=["open"]) == []


@contextlib.contextmanager
def crashing(after):
    """Die right after so many steps of moving."""
    left = [after]

    def counted(function):
        def step(*arguments):
            result = function(*arguments)
            if left[0] is not None:
                left[0] -= 1
                if left[0] < 0:
                    left[0] = None
                    raise Crash
            return result

        return step

    names = ("rename_new", "sync")
    real = {name: getattr(transfer, name) for name in names}
    back = transfer.put_back
    for name in names:
        setattr(transfer, name, counted(real[name]))
    transfer.put_back = lambda found, home: None  # who is dead puts nothing back
    try:
        yield
    finally:
        for name in names:
            setattr(transfer, name, real[name])
        transfer.put_back = back


class TestActs(Acts.TestCase):
    settings = hypothesis_settings(max_examples=30, stateful_step_count=8, deadline=None)


@pytest.mark.slow
class TestMoreActs(Acts.TestCase):
    settings = hypothesis_settings(max_examples=300, stateful_step_count=8, deadline=None)
