"""Asking a running daemon, telling systemd, and where a state directory must not be."""

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
from pathlib import Path

import pytest

from difwatch.control.notify import Notifier
from difwatch.control.requests import RequestServer, ask
from difwatch.control.state_dir import StateDir
from difwatch.errors import StoreBusyError, StoreError, UsageError
from difwatch.service.requests import Ping, Reload, message
from difwatch.tree.mounts import mount_at, read_mounts
from tests.support.commands import called
from tests.support.photos import photo
from tests.support.running import Daemon, difwatch


def make_pictures(folder):
    folder.mkdir()
    photo(1).save(folder / "a.png")
    for name in ("b.png", "c.png"):
        shutil.copy(folder / "a.png", folder / name)
    photo(2).save(folder / "other.png")


@contextlib.contextmanager
def watching(place):
    """A daemon over some pictures in a folder."""
    make_pictures(place / "pictures")
    config = place / "config.toml"
    config.write_text(f'quiet_seconds = 0.1\n[[folder]]\npath = "{place}/pictures"\n')
    running = Daemon(place / "state", quiet=0.1, config=config)
    running.wait_until_up_to_date()
    yield running
    running.end()


@pytest.fixture
def daemon(tmp_path):
    with watching(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A daemon for all tests that leave the pictures and the configuration as they are."""
    with watching(tmp_path_factory.mktemp("shared")) as running:
        yield running


def test_apply_works_beside_the_daemon_which_forgets_what_went_and_leaves_the_destination_alone(tmp_path, daemon):
    done = difwatch(tmp_path / "state", "apply", "--move-to", tmp_path / "pictures/lesser")
    assert "2 pictures" in done.stdout
    assert "No matches" in called(tmp_path / "state", "report").stdout
    called(tmp_path / "state", "undo", "--all")
    assert not (tmp_path / "pictures/lesser").exists(), "moving made it, and it is empty"
    assert not [line for line in daemon.lines if "lesser" in line["message"]]


def test_a_decision_is_taken_beside_the_daemon(shared):
    pictures = shared.state.parent / "pictures"
    difwatch(shared.state, "ignore", pictures / "a.png", pictures / "other.png")
    assert "other.png" in called(shared.state, "ignore", "--list").stdout
    called(shared.state, "ignore", "--remove", pictures / "a.png", pictures / "other.png")
    assert called(shared.state, "ignore", "--list").stdout == ""


def test_a_rescan_is_done_by_the_daemon(shared):
    done = difwatch(shared.state, "rescan", "--nmse", "4")
    assert "searched 2 distinct pictures" in done.stdout
    assert "1 pair up to an NMSE of 4" in done.stdout
    status = json.loads(called(shared.state, "status", "--json").stdout)
    assert status["last_rescan"] is not None
    assert status["rescan_progress"] is None
    assert status["state"] == "running"
    done = called(shared.state, "rescan", "--nmse", "4", "--chunksize", "1", check=False)
    assert done.returncode == 0


def test_a_rescan_that_finds_too_much_ends_with_its_own_exit_code(tmp_path, daemon):
    shutil.copy(tmp_path / "pictures/other.png", tmp_path / "pictures/again.png")
    daemon.wait_for_match(tmp_path / "pictures/again.png")
    photo(7).save(tmp_path / "pictures/b.png")
    shutil.copy(tmp_path / "pictures/b.png", tmp_path / "pictures/third.png")
    daemon.wait_for(lambda line: line["event"] == "match" and "b.png" in line["message"])
    done = called(tmp_path / "state", "rescan", "--nmse", "4", "--max-pairs", "1", check=False)
    assert done.returncode == 3
    assert "more than 1 pairs" in done.stderr


def test_a_new_configuration_comes_into_force_and_a_wrong_one_does_not(tmp_path, daemon):
    config = tmp_path / "config.toml"
    good = config.read_text()
    (tmp_path / "more").mkdir()
    shutil.copy(tmp_path / "pictures/a.png", tmp_path / "more/far.png")
    config.write_text(good.replace("quiet_seconds", "quiet_secondz"))
    daemon.process.send_signal(signal.SIGHUP)
    line = daemon.wait_for(lambda line: "the one in force stays" in line["message"])
    assert "quiet_seconds" in line["message"]
    config.write_text(f'{good}[[folder]]\npath = "{tmp_path}/more"\n')
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda line: line["event"] == "reloaded")
    daemon.wait_for_match(tmp_path / "more/far.png")
    with pytest.raises(UsageError, match="quiet_secondz"):
        config.write_text(good.replace("quiet_seconds", "quiet_secondz"))
        ask(StateDir(tmp_path / "state"), message(Reload()))


def test_only_the_owner_may_use_the_socket_and_nonsense_is_answered_in_words(shared):
    path = StateDir(shared.state).socket
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ask(StateDir(shared.state), message(Ping())) == {"pid": shared.process.pid, "settled": True}
    for request in ({"do": "dance"}, {"what": 1}, {"do": "ignore", "a": 3}, {"do": "forget"}, {"do": "rescan"}):
        with pytest.raises(UsageError):
            ask(StateDir(shared.state), request)
    for sent in (b"\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n", b"{}", b"null\n"):
        with socket.socket(socket.AF_UNIX) as to:
            to.connect(str(path))
            to.sendall(sent)
            to.shutdown(socket.SHUT_WR)
            assert b"error" in to.recv(1000)
    assert ask(StateDir(shared.state), message(Ping())) == {"pid": shared.process.pid, "settled": True}


class Echo:
    """Answers each request with itself."""

    def answer(self, request):
        return request


def test_a_request_that_does_not_come_or_is_too_long_is_given_up(tmp_path):
    server = RequestServer(StateDir(tmp_path), Echo())
    with socket.socket(socket.AF_UNIX) as slow, socket.socket(socket.AF_UNIX) as long:
        for one in (slow, long):
            one.connect(str(tmp_path / "control.sock"))
        slow.sendall(b'{"do": "pi')
        server.serve(0.0)
        assert len(server.waitables()) == 3
        long.setblocking(False)
        sent = 0
        for _ in range(200):
            with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
                sent += long.send(b"x" * 65536)
            server.serve(1.0)
        assert sent < 3 << 20
        server.serve(100.0)
        assert len(server.waitables()) == 1
        assert b"did not come" in slow.recv(1000)
    server.close()
    assert not (tmp_path / "control.sock").exists()


def test_many_requests_at_once_are_answered_or_told_to_come_again(tmp_path):
    server = RequestServer(StateDir(tmp_path), Echo())
    asking = [socket.socket(socket.AF_UNIX) for _ in range(16)]
    for number, one in enumerate(asking):
        one.connect(str(tmp_path / "control.sock"))
        one.sendall(json.dumps({"do": "ping", "n": number}).encode() + b"\n")
    server.serve(0.0)
    assert [json.loads(one.recv(1000))["answer"]["n"] for one in asking] == list(range(16))
    for one in asking:
        one.close()
    server.close()


def test_a_holder_that_does_not_answer_is_said(tmp_path):
    with pytest.raises(StoreBusyError, match="does not answer"):
        ask(StateDir(tmp_path), message(Ping()), seconds=1)


def test_systemd_is_told_by_the_socket_it_names(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        notifier.send("READY=1", "STATUS=x")
        assert listening.recv(1000) == b"READY=1\nSTATUS=x"
        notifier.send("STATUS=/p/caf\udce9\nSTOPPING=1: is not there")
        assert listening.recv(1000) == b"STATUS=/p/caf\\udce9 STOPPING=1: is not there"
    notifier.send("READY=1")  # nobody listens any more


def test_a_service_manager_that_does_not_read_is_not_waited_for(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for _ in range(2000):
            notifier.send("WATCHDOG=1")
        assert listening.recv(100) == b"WATCHDOG=1"


def test_the_daemon_is_ready_when_its_watches_are_armed_and_pings_while_its_loop_turns(tmp_path, monkeypatch):
    make_pictures(tmp_path / "pictures")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        daemon = Daemon(tmp_path / "state", tmp_path / "pictures")
        said = []
        while not any("WATCHDOG=1" in one for one in said):
            said.append(listening.recv(1000).decode())
        ready = next(number for number, one in enumerate(said) if "READY=1" in one)
        assert ready == min(number for number, one in enumerate(said) if "WATCHDOG=1" in one or "READY=1" in one)
        os.kill(daemon.process.pid, signal.SIGSTOP)
        listening.settimeout(3)
        with pytest.raises(TimeoutError):
            while True:
                assert "STOPPING" not in listening.recv(1000).decode()
        os.kill(daemon.process.pid, signal.SIGCONT)
        listening.settimeout(30)
        daemon.process.send_signal(signal.SIGTERM)
        while "STOPPING=1" not in listening.recv(1000).decode():
            pass
        assert daemon.end() == 0


@pytest.mark.parametrize(
    ("mounts", "network"),
    [
        (["/ ext4"], None),
        (["/ ext4", "/srv nfs4"], "nfs4"),
        (["/ ext4", "/srv nfs4", "/srv/state xfs"], None),
        (["/ cifs"], "cifs"),
    ],
)
def test_a_state_directory_on_the_network_is_refused_with_the_reason(mounts, network):
    lines = [f"{number} 1 0:{number} / {one.replace(' ', ' rw - ')} x rw" for number, one in enumerate(mounts)]
    mount = mount_at(b"/srv/state/difwatch", read_mounts("\n".join(lines).encode()))
    kind = os.fsdecode(mount.kind) if mount.is_network else None
    assert kind == network
    state_dir = StateDir(Path("/srv/state/difwatch"))
    if network is None:
        state_dir.refuse_network(kind)
        return
    with pytest.raises(StoreError, match=rf"network file system \({network}\)"):
        state_dir.refuse_network(kind)
