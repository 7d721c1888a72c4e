"""A daemon that is asked for something at any moment of its loop does it at once, and not after its longest pause."""

import multiprocessing.connection
from unittest.mock import patch

import pytest

from difwatch import config
from difwatch.control.notify import Notifier
from difwatch.control.state_dir import StateDir
from difwatch.service import daemon, loop
from difwatch.service.health import Listeners
from tests.support.commands import InlineWorkers


class Requests:
    """Implements what the loop needs of `RequestServer`; something else happens while requests are served."""

    def __init__(self, happens):
        self._happens = happens

    def waitables(self):
        return []

    def serve(self, now):
        self._happens()


@pytest.fixture
def running(tmp_path):
    """A daemon over an empty folder, in this process."""
    (tmp_path / "pictures").mkdir()

    def read():
        return config.load(None, {}, [str(tmp_path / "pictures")])

    listeners = Listeners(StateDir(tmp_path / "state"), Notifier({}))
    with patch.object(daemon, "WorkerPool", InlineWorkers):
        made = daemon.Daemon(read, listeners, lambda progress: None, daemon.Options())
    yield made
    made.close()


@pytest.mark.parametrize("asked_for", ["end", "reload", "doubt"])
def test_what_is_asked_for_while_requests_are_served_is_not_slept_over(running, monkeypatch, asked_for):
    asked = []

    def happens():
        if running.loop.session.pipeline.is_idle() and not asked:
            asked.append(asked_for)
            if asked_for == "reload":
                running.want_reload()
            elif asked_for == "doubt":
                running.loop.session.guards.doubt()
            else:
                running.switch.stop()

    def wait(objects, timeout):
        ready = multiprocessing.connection.wait(objects, 0)
        if asked:
            assert timeout == 0 or ready, "it sleeps although something was asked for"
            running.switch.stop()
        return ready

    monkeypatch.setattr(loop, "wait", wait)
    running.loop.run_until_stopped(Requests(happens))
    assert asked == [asked_for]
