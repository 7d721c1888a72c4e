"""What tests, fault programs and benchmarks share.

::

    paths      where the corpus, the stores of released schemas and the checkout are
    photos     made-up pictures
    naive      the slow and obvious twin of everything that decides
    clock      a clock that stands until it is moved
    pool       a pool of workers without processes
    wiring     the parts of a daemon, put together as the daemon does
    searching  every way to search, on tensors in memory
    storing    stores filled with given tensors
    moving     folders with pictures that may be moved
    running    daemons and commands as processes

    make_demo, make_golden, make_stores   programs that make what is committed
"""
