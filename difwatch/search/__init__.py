"""All pairs of tensors within a mean squared error, exactly. Pure: arrays in, hits out.

``distance`` is the truth, in integers. ``sketch`` is a short vector whose distance is never more than the
true one, so that a far sketch proves a pair to be no match. ``index`` keeps sketches and answers for new
tensors; ``classic`` compares everything with everything, without any bound. ``groups`` puts the pairs
together into a best picture and its lesser ones.

Nothing is imported here: a worker needs the sketch, and not the search tree.
"""
