"""Reports of what is known, for people and programs.

::

    status     whether the daemon is alive and complete, and what it is doing
    text       groups, pairs and full searches for people
    text_status  the status for people
    formats    the same as JSON and CSV
    html       groups and pairs as a page with the pictures
    paint      weight and colour on a terminal
    histogram  how many pairs there are at each error
    found      groups and duplicates, in short
    metrics    the status for a metrics collector
    explain    why two files do or do not match
"""
