"""The values that travel between the parts, named by their role. All are frozen, and none does anything.

::

    files      a path and what was seen there
    jobs       what a worker is asked, and what it answers
    settings   recipes, folders, and what counts as a match
    pictures   pictures, and how they match
    health     what the daemon reports about itself
"""
