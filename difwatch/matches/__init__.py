"""From matching tensors to matching pictures.

::

    rules        when two pictures match, and at which level             (pure)
    groups       best pictures, and the others around them               (pure)
    collection   the pictures that count, their groups and pairs         (pure)
    neighbours   the pairs of tensors, in one array                   (pure)
    errors       how far apart two pictures are, in words             (pure)
    read         a collection read from the store
    news         the matches of new files
"""
