"""The daemon: what it opens, what one configuration puts to work, and the loop that turns.

::

    daemon        what is opened and closed once, and the signals
    session       what one configuration puts to work; replaced when it is read again
    prepare       bringing the store in line with the configuration
    presence      which folders are there, and what follows from their walks
    loop          one turn; until the store is up to date, or until stopped
    requests      one value per request, and how it is carried out
    answers       requests that come over the socket
    background    a full search between other work
    planning      from the collection to acts on files
    mover         duplicates moved as they come
    health        heartbeat file, systemd, metrics
    housekeeping  purging and daily copies
"""
