"""All pairs of pictures within an error, exactly. Pure: arrays in, hits out.

::

    orientation    the eight orientations of a square: four turns, and four mirrored
    distance       the exact distance, in integers
    tone           what is left of a tensor without brightness, contrast and colour

    comparison     what is compared, up to which error, in which orientations
    by_tensor      by the tensors: difPy's mean squared error
    by_tone        by the tones: copies that were made brighter, grey, or framed match as well

    sketch         a few numbers for each picture; their distance never exceeds that of the pictures
    tensor_sketch  sixteen for a tensor              tone_sketch  thirty-two for a tone
    fold           one orientation of each is enough to find all
    tree, grid     the sketches within a radius
    refine         the candidates, decided in integers
    product        every pair by matrix products, exactly, where sketches would exclude little
    sieve          low frequencies, which exclude nearly all of these before

    index          new pictures against all known ones, as they arrive
    blocks         one block of pictures against another: by sketches, or every pair
    chunked        all against all in pairs of blocks, by an executor; resumable
    executor       where that work runs: here, in threads, or elsewhere
    budget         how much to do at once

    pair           two pictures, without any short cut
    held           tensors in memory                 hits         pairs, many in one array

This module imports nothing: a worker needs the sketches, but not the search tree.
"""
