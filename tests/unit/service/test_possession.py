"""The store and the lock, deleted or replaced under a daemon."""

import errno
import os
import shutil

import pytest

from difwatch.control.lock import WriterLock, holder
from difwatch.control.requests import RequestServer
from difwatch.control.state_dir import StateDir
from difwatch.errors import StoreError
from difwatch.service.possession import Possession


@pytest.fixture
def state(tmp_path):
    return StateDir(tmp_path / "state")


@pytest.fixture
def possession(state):
    lock = WriterLock(state, "watch")
    state.store.write_bytes(b"x")
    yield Possession(lock, state.store)
    lock.release()


def replace_with_another(path):
    path.with_name("new").write_bytes(b"x")
    os.replace(path.with_name("new"), path)


HAPPENS = {
    "the store is deleted": lambda state: state.store.unlink(),
    "the store is replaced": lambda state: replace_with_another(state.store),
    "the lock is deleted": lambda state: state.lock.unlink(),
    "the lock is replaced": lambda state: replace_with_another(state.lock),
    "the directory is renamed": lambda state: state.path.rename(state.path.with_name("away")),
    "the directory is deleted": lambda state: shutil.rmtree(state.path),
}


@pytest.mark.parametrize("what", HAPPENS)
def test_it_is_noticed(possession, state, what):
    assert possession.trouble() is None
    HAPPENS[what](state)
    assert "was deleted or replaced" in possession.trouble()


def test_writing_to_the_store_is_no_trouble(possession, state):
    with state.store.open("ab") as file:
        file.write(b"more")
    assert possession.trouble() is None


def test_the_lock_tells_a_reader_who_works(state):
    assert holder(state) is None
    pid = os.fork()
    if not pid:  # a lock is not seen by the process that holds it
        WriterLock(state, "apply")
        os.read(os.pipe()[0], 1)  # until it is ended
    try:
        found = None
        while found is None or not found.token:
            found = holder(state)
        assert (found.pid, found.work, len(found.token)) == (pid, "apply", 16)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def test_a_state_directory_that_others_may_write_to_is_refused(tmp_path):
    (tmp_path / "open").mkdir()
    os.chmod(tmp_path / "open", 0o777)
    with pytest.raises(StoreError, match="chmod go-w"):
        StateDir(tmp_path / "open").make()
    os.chmod(tmp_path / "open", 0o1777)
    StateDir(tmp_path / "open").make()


def test_a_link_that_somebody_planted_is_not_followed(tmp_path):
    state = StateDir(tmp_path / "state")
    state.make()
    (tmp_path / "precious").write_text("as it was")
    state.lock.symlink_to(tmp_path / "precious")
    with pytest.raises(StoreError):
        WriterLock(state, "watch")
    assert (tmp_path / "precious").read_text() == "as it was"


class Mute:
    def answer(self, request):
        return {}


def test_a_daemon_that_ends_leaves_the_socket_of_its_successor(state):
    state.make()
    first = RequestServer(state, Mute())
    state.socket.unlink()
    second = RequestServer(state, Mute())
    first.close()
    assert state.socket.exists()
    second.close()
    assert not state.socket.exists()


def test_too_many_open_files_make_a_request_wait_and_end_nothing(state, caplog):
    state.make()
    server = RequestServer(state, Mute())
    real = server._socket
    server._socket = Full()
    server.serve(0.0)
    assert "cannot be taken now (Too many open files)" in caplog.text
    server._socket = real
    server.close()


class Full:
    def accept(self):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
