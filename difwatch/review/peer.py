"""Whose program is at the other end of a connection over loopback: the kernel is asked.

Source: the kernel's sock_diag(7) and linux/inet_diag.h.
"""

from __future__ import annotations

import contextlib
import socket
import struct

_FAMILY = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY, _REQUEST = 20, 1  # SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST
_HEADER = struct.Struct("=IHHII")
_ASKED = struct.Struct("=BBBBI")  # family, protocol, extensions, padding, states
_SOCKET = struct.Struct("!HH16s16s")  # ports and addresses of this end and of the other one
_ANY_COOKIE = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # after the interface
_ENDS_AT = _HEADER.size + 4  # after family, state and timers
_UID_AT = _ENDS_AT + _SOCKET.size + 12 + 12  # after interface and cookie, and three numbers
_EVERY_STATE = 0xFFFFFFFF
_MOST = 4096
_TABLE = "/proc/net/tcp"

Address = tuple[str, int]


def owner_of(peer: Address, own: Address) -> int | None:
    """Return the user whose socket is at one end of a connection of IPv4; None if that cannot be known.

    Parameters
    ----------
    peer
        Address of the socket in question.
    own
        Address of the other end.
    """
    with contextlib.suppress(OSError):
        return _by_netlink(peer, own)
    with contextlib.suppress(OSError):
        return _by_table(peer, own)
    return None


def _by_netlink(peer: Address, own: Address) -> int | None:
    ends = _SOCKET.pack(peer[1], own[1], socket.inet_aton(peer[0]), socket.inet_aton(own[0]))
    asked = _ASKED.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _EVERY_STATE) + ends + _ANY_COOKIE
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _FAMILY) as netlink:
        netlink.sendto(_HEADER.pack(_HEADER.size + len(asked), _BY_FAMILY, _REQUEST, 1, 0) + asked, (0, 0))
        answer = netlink.recv(_MOST)
    _, kind, *_ = _HEADER.unpack_from(answer)
    if kind != _BY_FAMILY or len(answer) < _UID_AT + 8:
        return None
    if answer[_ENDS_AT : _ENDS_AT + _SOCKET.size] != ends:  # a socket that listens at the port
        return None
    uid, inode = struct.unpack_from("=II", answer, _UID_AT)
    return int(uid) if inode else None  # without an inode nobody has it any more


def _by_table(peer: Address, own: Address) -> int | None:
    wanted = [_shown(peer), _shown(own)]
    with open(_TABLE, encoding="ascii") as lines:  # noqa: PTH123
        for line in lines:
            fields = line.split()
            if fields[1:3] == wanted:
                return int(fields[7]) if fields[9] != "0" else None
    return None


def _shown(address: Address) -> str:
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"
