"""Files to tensors, in processes that may die.

::

    pool       the queue; jobs go out, answers come in, and what dies is replaced
    process    one worker as its parent sees it: a socket, a pipe and a shared page
    decoder    a pool of one, for who needs an answer before going on
    worker     the program of a worker: one job after the other
    opening    opening a file that is to be read, or why it cannot be
    reading    one open file to its answer
    appearance what a picture looks like: its tensor and all that is computed from it
    wire       an answer as bytes, checked when it comes back
    channel    messages through a pipe
    in_hand    the shared page: which job a worker is at, and the digest of its bytes
    confine    what a worker gives up: limits, capabilities, files (landlock), system calls (seccomp)
"""
