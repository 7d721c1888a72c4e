"""The quick forms of the scenes of ``tests/faults/watching.py``: what is on the disk is known, or status says so."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults import watching

AT_ONCE = 5  # most of the time, a scene waits for the daemon
SHORT = ("limit", "writers")
LONG = [name for name in watching.SCENES if name not in (*watching.LONG_ONLY, *SHORT)]


def play(names):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        played = pool.map(lambda name: list(watching.play(name, quick=True)), names)
        rows = [row for some in played for row in some]
    assert [text for row in rows for text in row.problems()] == []
    if all(row.skipped for row in rows):
        pytest.skip("; ".join(row.skipped for row in rows))
    for row in rows:
        print(row.text())


@pytest.mark.parametrize("name", SHORT)
def test_the_store_is_as_the_disk_or_status_says_why_not(name):
    play([name])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_so_it_is_in_every_scene_that_anybody_can_play():
    play([name for name in LONG if name not in watching.NEEDS_ROOT])


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.skipif(os.getuid() != 0, reason="needs root, for mounts, limits of the kernel or other users")
@pytest.mark.timeout(900)
def test_so_it_is_in_every_scene_for_which_one_must_be_root():
    play([name for name in LONG if name in watching.NEEDS_ROOT])
