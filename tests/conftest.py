"""What holds for all tests: a home of their own, and the corpus."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.paths import CORPUS

# The plain run tries fewer examples; .ci/run tries more, with --hypothesis-profile=long.
for name, examples in (("quick", 25), ("long", 100)):
    settings.register_profile(
        name, max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("quick")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores: many tests wait for processes."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.fixture(autouse=True)
def _apart_from_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the home directory or takes settings from the environment."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("DIFWATCH_", "XDG_")) or name in ("STATE_DIRECTORY", "JOURNAL_STREAM", "NOTIFY_SOCKET"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture(autouse=True, scope="session")
def _keeps_its_rights() -> Iterator[None]:
    """No command that runs in the process of a test gives up what the next test needs, for good."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("difwatch.service.rights.forbid_changes", lambda _: 0)
        patch.setattr("difwatch.service.daemon.os.umask", lambda _: 0o022)
        yield


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real pictures, where there is one."""
    if not CORPUS.is_dir():
        pytest.skip(f"the corpus of real pictures is not at {CORPUS}")
    return CORPUS
