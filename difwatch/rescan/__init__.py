"""All pictures of a store against all, task by task, going on where it was interrupted.

::

    plan      what is asked for, what an interrupted search can go on with, and what came of it
    steps     the search itself: what each task finds is kept with the word that it is done
    threads   an executor of threads
    audit     brute force against what is remembered
"""
