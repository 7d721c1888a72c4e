"""Other programs' private copies: waste baskets, versions, snapshots, thumbnails, unfinished downloads.

A copy in such a place goes away when its program likes, so it must never be the one that is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_DIRECTORIES = (
    rb"\.trash[^/]*", rb"\.local/share/trash", rb"\$recycle\.bin", rb"\.recycle\.bin", rb"recycled",
    rb"\.recycle", rb"#recycle", rb"@recycle", rb"\.stversions", rb"\.dtrash", rb"\.sync/archive",
    rb"#snapshot", rb"\.snapshots?", rb"~snapshot", rb"\.zfs", rb"@recently-snapshot", rb"@eadir",
    rb"\.@__thumb", rb"\.thumbnails", rb"\.picasaoriginals", rb"\.rsync-partial", rb"\.~tmp~",
    rb"\.tmp\.drivedownload", rb"\.dropbox\.cache", rb"\.nextcloudsync", rb"\.history", rb"lost\+found",
)  # fmt: skip
_FILES = (rb"\.trashed-[^/]*", rb"\.pending-[^/]*", rb"\._[^/]*", rb"\.nfs[^/]*", rb"\.fuse_hidden[^/]*")
_PRIVATE = re.compile(rb"(?<=/)(?:(?:" + rb"|".join(_DIRECTORIES) + rb")(?=/)|(?:" + rb"|".join(_FILES) + rb")$)")


def private_parts(path: bytes) -> Iterator[bytes]:
    """Yield the private places that a path leads through, outermost first, each up to its own name.

    Parameters
    ----------
    path
        Absolute; that of a directory ends with a slash. Names count in upper and lower case.
    """
    for match in _PRIVATE.finditer(path.lower()):
        yield path[: match.end()]
