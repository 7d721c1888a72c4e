"""The flow of changes, as pseudocode.

::

    for change in (events of the system, walks of the tree):          watch, walks
        settler.note(change)                                          watch.settle
    for state in settler.due(now):
        match decide(state, what the store knows):                    decide, look
            same           -> nothing
            gone           -> forget it with the next batch
            new, changed,
            moved          -> job for the workers                     intake
    for answer in pool.collect():                                     workers
        add it to the batch                                           outbox
    when the batch is large or old enough, or there is nothing else to do:
        in one transaction:                                           keep
            look at each file again; one that differs -> settler.note
            keep files, contents, tensors
            search the new tensors among all, keep the hits           compare
        add the new tensors to the index
        log the matches of the new files                              announce

``run`` puts the phases together. ``renames`` knows which old path each new one came from, ``postponed`` which files
could not be read and when to try again.
"""
