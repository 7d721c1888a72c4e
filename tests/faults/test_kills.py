"""Acts interrupted where something changes; ``tests/faults/kills.py`` does it at every system call."""

import shutil

import pytest

from tests.faults import kills

pytestmark = [
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: it does the killing"),
    pytest.mark.skipif(not kills.OTHER_DISK.is_dir(), reason="there is no second file system to move to"),
]


@pytest.mark.parametrize("scenario", ["move", "move across, name taken", "trash", "delete", "undo across"])
def test_a_kill_or_an_error_anywhere_leaves_every_picture_once_and_whole(scenario):
    count, states, wrong = kills.interruptions(scenario, quick=True, jobs=2)
    assert wrong == []
    assert count > 40
    assert states[kills.MISSED] < count / 10
    assert states["done"] > 10 and states["rolled back"] + states["nothing"] > 10
