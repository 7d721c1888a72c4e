"""Who may write to a state directory, and how other processes ask the writer.

::

    state_dir   where it is, what is in it, and where it must not be
    lock        one process at a time may write: whoever holds it
    requests    others ask the holder over a Unix socket
    heartbeat   what only the daemon knows, for `status`
    notify      reporting to systemd
    units       the units of systemd, and whether a program may run for the machine
    priority    working behind everything else of the machine
"""
