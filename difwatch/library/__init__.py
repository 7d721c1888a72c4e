"""difPy's two steps as a library: `build` reads pictures, `search` finds which of them match. No store, no daemon.

::

    parameters   every parameter checked, each mistake named
    listing      which files there are
    reading      files to tensors, in worker processes
    build        the pictures of some folders
    search       their matches: result, lower quality, statistics; and acts on them
    progress     one bar
"""
