"""difPy's two steps as a library: `build` reads pictures, `search` finds which of them match. No store, no daemon.

::

    parameters   checks of all parameters
    listing      the files in the folders
    reading      files to tensors, in worker processes
    build        the pictures of some folders
    looks        their distinct tensors and tones
    search       their matches: result, lower quality, statistics
    pairing      all pairs of them
    acting       moving and deleting the lesser ones
    progress     a progress bar

Coming from difPy 4.2: ``import difPy`` becomes ``import difwatch``; `build` and `search` have the same parameters,
and results have the same shapes. ``lazy`` (4.1) and ``same_dim`` are both accepted, and ``in_folder`` also takes
``"every"``: each directory by itself. ``tensors`` and ``filenames`` are public names of ``_tensor_dictionary`` and
``_filename_dictionary``. ``move_to`` overwrites nothing; ``delete`` uses the waste basket, unless
``permanent=True``; ``difwatch undo`` reverses both. ``python dif.py -D A B -s similar`` becomes ``difwatch scan -D
A B -s similar``, which writes ``difwatch_<time>_results.json``, ``..._lower_quality.txt`` and ``..._stats.json``.
What difPy Desktop offers is in the command (``watch``, ``report``, ``apply``, ``ignore``, ``explain``,
``unreadable``) and its configuration; there is no image viewer yet.

Where the answer differs from difPy 4.2.1, difPy is wrong: its MSE wraps around at 256, so that a picture brightened
by 16 levels has 0.0; it tries 0, 90 and 180 degrees but not 270; above 5 000 pictures equal sums count as
duplicates, the MSE shown is that of another pair, and the last picture is never compared; ``move_to`` replaces
files of the same name; the best picture is chosen by width plus height; folders with ``[`` or a leading dot are
skipped; the output depends on timing; one warning makes a picture invalid; EXIF orientation is ignored,
transparency becomes black. Tall and square pictures are resized here in an order that keeps turned copies equal, so
their MSE differs a little.
"""
