"""All pairs of tensors within a mean squared error, exactly. Pure: arrays in, hits out.

::

    sketch     sixteen numbers per tensor; their distance never exceeds that of the tensors
    quadrant   one turn of each tensor is enough to find all four
    tree       the sketches within a radius
    refine     the candidates of the tree, decided by the tensors in integers
    product    every pair by matrix products, exactly, where the tree would exclude little

    index      new tensors against all known ones, as they arrive
    blocks     one block of tensors against another: tree or product
    chunked    all against all in pairs of blocks, by an executor; resumable
    executor   where that work runs: here, in threads, or elsewhere
    budget     how much to do at once

    distance   the exact distance, in integers        hits    pairs, many in one array

This module imports nothing: a worker needs the sketch, but not the search tree.
"""
