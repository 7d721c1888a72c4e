"""The quick forms of the scenes of ``tests/faults/watching.py``: what is on the disk is known, or status says so."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults import watching

AT_ONCE = 5  # most of the time, a scene waits for the daemon

_without_root = pytest.mark.skipif(
    os.getuid() != 0, reason="needs root, for mounts, limits of the kernel or other users"
)
_NAMES = [
    pytest.param(name, marks=[pytest.mark.root, _without_root] if name in watching.NEEDS_ROOT else [])
    for name in watching.SCENES
    if name not in watching.LONG_ONLY
]


@pytest.fixture(scope="module")
def playing(request):
    """The scenes that this run asks for, some at once: name to a future of its rows."""
    asked = [one.callspec.params["name"] for one in request.session.items if one.path == request.path]
    if os.getuid() != 0:
        asked = [name for name in asked if name not in watching.NEEDS_ROOT]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(lambda name: list(watching.play(name, quick=True)), name) for name in asked}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", _NAMES)
def test_the_store_is_as_the_disk_or_status_says_why_not(playing, name):
    rows = playing[name].result()
    assert [text for row in rows for text in row.problems()] == []
    if all(row.skipped for row in rows):
        pytest.skip("; ".join(row.skipped for row in rows))
