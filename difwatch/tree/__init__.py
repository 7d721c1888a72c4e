"""Which files there are: the rules of watched folders, and walks of their trees.

::

    roots      the rules of one watched folder; which folder a path belongs to
    identity   what tells a directory from another one at its place
    scan       walking a tree, and comparing a walk with what is known
    walked     what a complete walk showed
    folding    names that a file system answers to though no directory lists them
    mounts     the file systems at and below a path, and which of them are remote
"""
