"""All pictures of a store against all, task by task, resumable after an interruption.

::

    plan      what is asked for, what an interrupted search can resume, and the result
    steps     the search itself: each task is marked as done together with its pairs
    threads   an executor of threads
    audit     brute force against what is remembered
"""
