"""All pairs of tensors within a mean squared error, exactly. Pure: arrays in, hits out.

::

    sketch     sixteen numbers per tensor whose distance is never more than the true one
    quadrant   one turn of each is enough to find all four
    tree       the sketches within a radius
    refine     what the tree could not exclude, decided by the tensors in integers
    product    every pair by matrix products, exactly, where the tree would exclude little

    index      new tensors against all known ones, as they come
    blocks     one block of tensors against another: tree or product
    chunked    all against all in pairs of blocks, by an executor; can go on after an interruption
    executor   who does that work: here, in threads, or elsewhere
    budget     how much at once

    distance   the truth, in integers        hits    pairs, many in one array

Nothing is imported here: a worker needs the sketch, and not the search tree.
"""
