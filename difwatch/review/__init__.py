"""The page where people look and decide: a process of its own, for this machine's own user.

It reads the store, shows pictures through confined workers, and acts as ``apply`` does: by the same plans, the same
mover and the same journal. What a person marks moves nothing until it was looked over.

::

    queue         the groups as columns: orders and filters
    live          the queue of the store as it is now
    reading       groups and pictures that a page names, found again
    decisions     what a person decided, by contents
    choice        from a decision to steps of a plan
    acts          a plan to look over, carried out beside the page; the way back
    views         pictures to look at, made by workers (tensors: what was compared)

    answers       what a page is told
    changes       what a page changes
    given         what a page sends, checked
    shapes        what it is told, as JSON can hold it
    events        what happens, told to every open page

    gate          what stands before every request
    sessions      tickets, sessions and the token
    peer          whose program is at the other end
    routes        the addresses
    server        all of it together, on loopback
    static_files  the page itself, from ``static``
"""
