"""The daemon: what it opens, what a configuration puts to work, and its loop.

::

    daemon        what is opened and closed once, and the signals
    session       what a configuration puts to work; replaced on a reload
    prepare       bringing the store in line with the configuration
    presence      which folders are there, and what follows from their walks
    reload        the configuration in force, and the next one
    restoring     pictures that were put back
    loop          one turn; until the store is up to date, or until stopped
    requests      one class per request, and how it is carried out
    fields        checks of the fields of a request
    answers       answers to requests over the socket
    effects       what the daemon does for a request
    background    a full search between other work
    planning      from the collection to acts on files (acting: by which rules a person acts)
    writer        requests, carried out here or by the daemon
    mover         duplicates moved as they come (refusals: what is not tried again soon)
    possession    whether the store and the lock are still the files that were opened
    rights        what a daemon that only looks gives up
    health        heartbeat file, systemd, metrics
    housekeeping  purges and daily copies
"""
