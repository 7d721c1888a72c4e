"""What difwatch remembers, in SQLite: ``file -> content -> tensor``, and the matches between tensors.

Equal files share a content, contents of equal pixels share a tensor, so that copies cost rows and not
pairs. One process writes (see ``difwatch.control``); everybody may read.

``tables`` says what is kept, ``engine`` opens and begins, ``schema`` migrates, and one module per noun
reads and writes: ``folders``, ``files``, ``contents`` (with their tensors), ``matches``, ``settings``.
"""

from difwatch.store.engine import damage, open_reader, open_writer, reading, writing
from difwatch.store.schema import upgrade

__all__ = ["damage", "open_reader", "open_writer", "reading", "upgrade", "writing"]
