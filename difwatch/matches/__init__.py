"""From matching tensors to matching pictures.

::

    rules        when two pictures match, and at which level             (pure)
    groups       best pictures, and the others around them               (pure)
    collection   the pictures that count, their groups and pairs         (pure)
    neighbours   the pairs of tensors, in one array                   (pure)
    errors       how far apart two pictures are, in words             (pure)
    read         a collection read from the store
    news         the matches of new files

    columns      pictures in columns, for stores of any size          (pure)
    rows         from the rows of a store to columns
    grouping     the same groups, made of columns                     (pure)
    stored       the groups of a store, whose pictures are read as they are shown
"""
