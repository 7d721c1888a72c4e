"""Noticing what happens to files, and when what is noticed can be believed.

::

    observer   the events of watchdog as changes, on their way through the inbox
    reader     the part of watchdog that tells when events are lost (losses)
    canary     a file whose opening proves that events come through
    listening  one folder's events: its observer, what was lost, what is not watched
    audit      which directories the kernel watches

    settle     waiting until a file is left alone                              (pure)
    schedule   when a folder is walked                                         (pure)
    absence    when a file that walks do not find is believed to be gone       (pure)

    guard      one folder: is it there, the same, whole
    guards     all folders
    presence   what others ask about them
"""
