"""Acting on people's pictures: each act is checked, recorded and can be recovered from a kill.

::

    plan       groups and a policy → what goes, what stays and why           (pure)
    check      right before an act: whether both files still are what was indexed
    entry      what the journal records about one file
    journal    written before and after, in a file of its own (journal_file)
    access     the journal held by one process at a time
    move       one act: check, write down, transfer, write down
    transfer   one file to another place: nothing replaced, nothing lost (attributes: what a copy takes over)
    trash      the waste basket as a place to move to
    recover    after a kill: finish or roll back what is open
    undo       moving a file back, found by its content

    directory  directories held open, so that links and renames do not lead elsewhere
    names      free names, and which files belong to a picture               (pure)
"""
