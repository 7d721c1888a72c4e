"""What difwatch remembers, in SQLite: ``file -> content -> tensor``, and the matches between tensors.

Equal files share a content, and contents of equal pixels share a tensor, so copies cost rows and not pairs. One
process writes (see ``difwatch.control``); any process may read.

::

    tables        what is kept             engine     opening the store, and transactions
    schema        the migrations           backups    daily copies, and recovery from damage

    files         which path holds what    contents   bytes by digest, and their tensors
    pictures      files as pictures        folders    the watched folders
    matches       pairs of tensors         reach      how far pairs are remembered
    rescans       the full search          ignored    what a person said are no duplicates
    destinations  where pictures went      settings   small values
"""

from difwatch.store.engine import damage, open_reader, open_writer, reading, writing
from difwatch.store.schema import upgrade

__all__ = ["damage", "open_reader", "open_writer", "reading", "upgrade", "writing"]
