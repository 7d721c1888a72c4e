"""Reports of what is known, for people and programs.

::

    status     whether the daemon is alive and complete, and what it is doing
    text       groups, pairs and status for people
    formats    the same as JSON and CSV
    html       groups and pairs as a page with the pictures
    metrics    the status for a metrics collector
    explain    why two files do or do not match
"""
