"""What is to be done about a path, case by case."""

from dataclasses import dataclass, replace

import pytest

from difwatch.model.files import FileKey, FileState
from difwatch.pipeline.decide import Verdict, decide

KEY = FileKey(size=100, mtime_ns=5, ctime_ns=6, dev=1, inode=7)


@dataclass
class Known:
    path: bytes
    key: FileKey
    recipe_id: int | None = 1


def verdict(key, known=None, former=None):
    return decide(FileState(b"/p/a.jpg", key), known, former, recipe_id=1).verdict


def test_nothing_known_and_nothing_there_is_nothing_to_do():
    assert verdict(None) is Verdict.SAME


def test_known_and_not_there_is_gone():
    assert verdict(None, Known(b"/p/a.jpg", KEY)) is Verdict.GONE


def test_there_and_not_known_is_new():
    assert verdict(KEY) is Verdict.NEW


def test_there_as_known_is_the_same():
    assert verdict(KEY, Known(b"/p/a.jpg", KEY)) is Verdict.SAME


@pytest.mark.parametrize("part", ["size", "mtime_ns", "ctime_ns", "dev", "inode"])
@pytest.mark.parametrize("step", [-1, 1])
def test_any_part_of_the_key_that_differs_in_any_direction_is_a_change(part, step):
    from dataclasses import replace

    other = replace(KEY, **{part: getattr(KEY, part) + step})
    assert verdict(other, Known(b"/p/a.jpg", KEY)) is Verdict.CHANGED


def test_a_tensor_of_another_recipe_is_made_anew():
    assert verdict(KEY, Known(b"/p/a.jpg", KEY, recipe_id=2)) is Verdict.CHANGED


def test_what_could_not_be_read_is_left_alone_until_it_changes():
    assert verdict(KEY, Known(b"/p/a.jpg", KEY, recipe_id=None)) is Verdict.SAME


def test_the_file_of_an_empty_path_is_moved_when_only_its_ctime_differs():
    from dataclasses import replace

    former = Known(b"/p/old.jpg", replace(KEY, ctime_ns=1))
    decision = decide(FileState(b"/p/a.jpg", KEY), None, former, 1)
    assert (decision.verdict, decision.source) == (Verdict.MOVED, b"/p/old.jpg")


@pytest.mark.parametrize("part", ["size", "mtime_ns", "dev"])
def test_a_reused_inode_is_not_taken_for_a_move(part):
    from dataclasses import replace

    former = Known(b"/p/old.jpg", replace(KEY, **{part: getattr(KEY, part) + 1}))
    assert verdict(KEY, None, former) is Verdict.NEW


@pytest.mark.parametrize(
    ("changed", "has_inodes", "expected"),
    [
        ({"inode": 8}, False, Verdict.RENUMBERED),
        ({"inode": 8, "ctime_ns": 9, "dev": 2}, False, Verdict.RENUMBERED),
        ({"inode": 8}, True, Verdict.CHANGED),
        ({"inode": 8, "mtime_ns": 9}, False, Verdict.CHANGED),
        ({"inode": 8, "size": 9}, False, Verdict.CHANGED),
        ({"ctime_ns": 9}, False, Verdict.CHANGED),
        ({}, False, Verdict.SAME),
    ],
)
def test_on_a_disk_without_inode_numbers_another_number_alone_says_nothing(changed, has_inodes, expected):
    state = FileState(b"/p/a.jpg", replace(KEY, **changed))
    known = Known(b"/p/a.jpg", KEY)
    assert decide(state, known, None, 1, has_inodes).verdict is expected
    if expected is not Verdict.SAME:
        assert decide(state, Known(b"/p/a.jpg", KEY, 2), None, 1, has_inodes).verdict is Verdict.CHANGED
