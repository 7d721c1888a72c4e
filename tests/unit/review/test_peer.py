"""Whose program is at the other end of a connection: the kernel says it, in both ways that it can be asked."""

import contextlib
import os
import socket
import subprocess
import sys

import pytest

from difwatch.review import peer
from difwatch.review.peer import owner_of

OTHER_USER = 65534
ROOT_ONLY = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")

# Connects as another user, says a letter, and does what it is told: stays, says no more, or is gone.
ANOTHER = """
import os, socket, sys
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
connection = socket.socket()
connection.connect(("127.0.0.1", int(sys.argv[1])))
connection.sendall(b"x")
if sys.argv[3] == "says no more":
    connection.shutdown(socket.SHUT_WR)
if sys.argv[3] != "is gone":
    sys.stdin.read()
"""


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def no_netlink(*_):
    raise OSError("the kernel is not asked by netlink here")


@pytest.fixture(params=["netlink", "table"])
def way(request, monkeypatch):
    """One of the two ways to ask; the other one is not there."""
    if request.param == "netlink":
        monkeypatch.setattr(peer, "_TABLE", "/nowhere/tcp")
    else:
        monkeypatch.setattr(peer, "_by_netlink", no_netlink)
    return request.param


@contextlib.contextmanager
def connected(listener):
    """A connection of this process: this end, and the addresses of the other one and of this one."""
    with socket.create_connection(listener.getsockname()):
        connection, address = listener.accept()
        with connection:
            yield connection, address, connection.getsockname()


def test_a_connection_of_this_user_is_of_this_user(listener, way):
    with connected(listener) as (_, address, own):
        assert owner_of(address, own) == os.getuid()


def test_a_socket_that_is_not_there_has_no_owner(listener, way):
    with connected(listener) as (_, address, own):
        assert owner_of((address[0], 1), own) is None
        assert owner_of(address, (own[0], 1)) is None
        assert owner_of(("127.0.0.2", address[1]), own) is None
        assert owner_of(own, (address[0], 1)) is None, "nor has one that listens, as nobody is at its other end"


def test_where_the_kernel_cannot_be_asked_nobody_is_the_owner(listener, monkeypatch):
    monkeypatch.setattr(peer, "_by_netlink", no_netlink)
    monkeypatch.setattr(peer, "_TABLE", "/nowhere/tcp")
    with connected(listener) as (_, address, own):
        assert owner_of(address, own) is None


@pytest.mark.root
@ROOT_ONLY
@pytest.mark.parametrize("then", ["stays", "says no more", "is gone"])
def test_a_connection_of_another_user_is_never_that_of_root(listener, way, then):
    command = [sys.executable, "-I", "-S", "-c", ANOTHER, str(listener.getsockname()[1]), str(OTHER_USER), then]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        connection, address = listener.accept()
        with connection:
            assert connection.recv(10) == b"x"
            if then != "stays":
                assert connection.recv(10) == b"", "that was all it said"
            if then == "is gone":
                process.wait(timeout=30)
            owner = owner_of(address, connection.getsockname())
            assert owner == OTHER_USER or (then == "is gone" and owner is None)
        process.communicate(b"")
    assert process.returncode == 0


def test_no_descriptor_is_left_open_by_asking(listener):
    with connected(listener) as (_, address, own):
        owner_of(address, own)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            owner_of(address, own)
        assert len(os.listdir("/proc/self/fd")) == before
