"""Who may write to a state directory, and how everybody else asks them to.

::

    state_dir   where it is, and where it must not be
    lock        one process at a time may write: whoever holds it
    requests    others ask the holder over a Unix socket
    heartbeat   what only the daemon knows, for `status`
    notify      telling systemd
"""

from difwatch.control.heartbeat import read_heartbeat, write_heartbeat
from difwatch.control.lock import WriterLock, holder
from difwatch.control.notify import Notifier
from difwatch.control.requests import Handler, RequestServer, ask
from difwatch.control.state_dir import default_state_dir, refuse_network

__all__ = [
    "Handler",
    "Notifier",
    "RequestServer",
    "WriterLock",
    "ask",
    "default_state_dir",
    "holder",
    "read_heartbeat",
    "refuse_network",
    "write_heartbeat",
]
