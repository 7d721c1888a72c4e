"""Acting on people's pictures, as carefully as a database moves money.

::

    plan       groups and a policy → what goes, what stays and why           (pure)
    check      right before: both files are opened and are what was indexed
    entry      what the journal says of one file
    journal    written before and after, in a file of its own (journal_file)
    access     the journal held by one process at a time
    move       one act: check, write down, transfer, write down
    transfer   one file from here to there: never over anything, never lost
    trash      the waste basket as a place to move to
    recover    after a kill: finish or roll back what is open
    undo       the way back, by content

    directory  directories held open, so that links and renames do not lead elsewhere
    names      free names, and which files belong to a picture               (pure)
"""
