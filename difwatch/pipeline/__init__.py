"""The flow, once, as pseudo-code. Everything else in this package is one of these lines.

::

    for change in (events of the system, walks of the tree):          watch
        settler.note(change)                                          watch.settle
    for state in settler.due(now):
        match decide(state, what the store knows):                    decide
            same           -> nothing
            gone           -> forget it with the next batch
            new, changed,
            moved          -> job for the workers                     intake
    for answer in pool.collect():                                     pool, worker
        add it to the batch
    when the batch is large or old enough, or nothing else is to do:
        in one transaction:                                           keep
            look at each file again; one that differs -> settler.note
            keep files, contents, tensors
            search the new tensors among all, keep the hits           search
        add the new tensors to the index
        log the matches of the new files                              announce
"""
