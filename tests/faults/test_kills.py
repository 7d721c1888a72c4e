"""Acts interrupted where something changes; ``python -m tests.faults.kills`` does it at every system call."""

import shutil

import pytest

from tests.faults import kills, review_kills
from tests.faults.interrupting import MISSED, interruptions

pytestmark = [
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: it does the killing"),
    pytest.mark.skipif(not kills.OTHER_DISK.is_dir(), reason="there is no second file system to move to"),
]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", ["move", "move across, name taken", "trash", "delete", "undo across"])
def test_a_kill_or_an_error_anywhere_leaves_every_picture_once_and_whole(scenario):
    count, states, wrong = interruptions(kills.OneAct(scenario), quick=True, jobs=2)
    assert wrong == []
    assert count > 40
    assert states[MISSED] < count / 10
    assert states["done"] > 10 and states["rolled back"] + states["nothing"] > 10


def test_a_kill_or_an_error_here_and_there_leaves_every_picture_once_and_whole():
    count, states, wrong = interruptions(kills.OneAct("move across, name taken"), quick=True, jobs=2, most=16)
    assert wrong == []
    assert 10 < count <= 16
    assert states[MISSED] < count / 4
    assert states["done"] > 0 and states["rolled back"] + states["nothing"] > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_was_decided_on_the_page_is_done_or_not_wherever_it_is_interrupted():
    count, states, wrong = interruptions(review_kills.Apply(), quick=True, jobs=2, most=24)
    assert wrong == []
    assert 12 < count <= 24
    assert states["0 gone"] > 0 and states[f"{review_kills.PICTURES} gone"] > 0
