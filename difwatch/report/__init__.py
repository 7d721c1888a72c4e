"""What is known, for people and programs.

::

    status     is it alive, is it complete, what is it doing
    text       groups, pairs and status for people
    formats    the same as JSON and CSV
    html       groups and pairs as a page with the pictures
    metrics    figures for a collector
    explain    why two files do or do not match
"""
