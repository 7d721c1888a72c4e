"""Noticing changes of files, and deciding when they can be believed.

::

    observer   the events of watchdog as changes, on their way through the inbox
    reader     the part of watchdog that reports when events are lost (losses)
    canary     a file whose opening proves that events come through
    listening  one folder's events: its observer, what was lost, what is not watched
    audit      which directories the kernel watches

    settle     when a file has been left alone for long enough                 (pure)
    schedule   when a folder is walked                                         (pure)
    absence    when a file that walks do not find is believed to be gone       (pure)

    guard      one folder: whether it is there, the same and whole
    guards     all folders
    presence   what others ask about them
"""
